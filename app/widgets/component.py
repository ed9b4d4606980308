"""Components of the pages' own: the HTML, CSS and JavaScript of one name, beside this file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

_FOLDER = Path(__file__).parent


def component(name: str, *scripts: str, **options: Any) -> Any:
    """Register the component of `name`.html, `name`.css and `name`.js, and return what mounts it.

    Its script may use what component.js and the `scripts`, files read before it, define.
    `options` are those of `st.components.v2.component`.
    """
    return st.components.v2.component(
        name,
        html=_read(f"{name}.html"),
        css=_read(f"{name}.css"),
        js="\n".join(map(_read, ("component.js", *scripts, f"{name}.js"))),
        **options,
    )


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
