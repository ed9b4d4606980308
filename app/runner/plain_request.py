"""Names that a request brings: plain words, or a RequestError."""

from __future__ import annotations

from app.runner.request import RequestError
from labelling.plain_words import NotPlainError, require_plain


def require_plain_name(text: str, *, field: str, who: str) -> None:
    """`labelling.plain_words.require_plain`, raising RequestError."""
    try:
        require_plain(text, field=field, who=who)
    except NotPlainError as error:
        raise RequestError(str(error)) from error
