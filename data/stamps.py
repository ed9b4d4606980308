"""What a new row is stamped with: a time and, where it has no number, a name."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime


def now() -> str:
    """The time as ISO-8601 UTC text of fixed width, so that text order is time order."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def new_id() -> str:
    """A short random name, fit for a URL: 10 hexadecimal digits."""
    return secrets.token_hex(5)
