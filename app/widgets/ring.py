"""A progress ring: a share of a whole, with its percentage in the middle."""

from __future__ import annotations

from html import escape

import streamlit as st

from app.widgets.scheme import current_scheme

_PLACE = "display: grid; place-items: center; width: 6.5rem; height: 6.5rem"
_RING = (
    "grid-area: 1 / 1; width: 100%; height: 100%; border-radius: 50%;"
    " background: conic-gradient({accent} {share:.2%}, rgb(128 128 128 / 25%) 0);"
    " mask: radial-gradient(closest-side, transparent 79%, black 80%)"
)
_TEXT = "grid-area: 1 / 1; text-align: center; line-height: 1.25"
_SHARE = "font-size: 1.25rem; font-weight: 600; font-variant-numeric: tabular-nums"
_CAPTION = "font-size: 0.8125rem; opacity: 0.75"


def ring(share: float, caption: str) -> None:
    """Draw `share` in [0, 1] of a ring in the accent colour, around the percentage and `caption`.

    The percentage is rounded down, so that 100 % means all.
    """
    accent = st.get_option(f"theme.{current_scheme()}.primaryColor")
    st.html(
        f"""<div style="{_PLACE}"><div style="{_RING.format(accent=accent, share=share)}"></div>
        <div style="{_TEXT}"><div style="{_SHARE}">{int(share * 100)} %</div>
        <div style="{_CAPTION}">{escape(caption)}</div></div></div>""",
        width="content",
    )
