"""How the Results page looks beyond its theme: on paper, and on very wide screens."""

from __future__ import annotations

import streamlit as st

from app.widgets.scheme import current_scheme

#: In print only; what the page shows in its place is drawn for the screen and does not reflow.
PRINTED = "printed-only"

#: The download that Streamlit lays over a table would lack the judging rule. Beyond 2400 pixels
#: lines grow too long to read and letters too small, so the page stays narrower and grows. Paper
#: needs no controls, nor what stands around a page; charts make themselves as wide as it.
_STYLE = f"""
.stElementToolbar button[aria-label="Download as CSV"] {{ display: none; }}
.{PRINTED} {{ display: none; }}
@media screen and (min-width: 2560px) {{
  html {{ font-size: 20px !important; }}
  .stMainBlockContainer {{ max-width: 2400px !important; margin-inline: auto; }}
}}
@media print {{
  @page {{ size: A4 landscape; margin: 12mm; }}
  .stAppHeader, .st-key-header, .st-key-files, .st-key-filters, .modebar-container,
  .stTabs [role="tablist"], .stElementToolbar, .stButtonGroup, .stPopover, .stNumberInput,
  .stSelectbox, .stButton, .stPageLink, .stDataFrame, .stElementContainer:has(> .stDataFrame) {{
    display: none !important;
  }}
  .stMainBlockContainer {{ padding: 0 !important; }}
  html, body, .stApp, .stMain, .stAppViewContainer {{
    position: static !important; overflow: visible !important; background: white !important;
  }}
  .js-plotly-plot, .stExpander, .{PRINTED} {{ break-inside: avoid; }}
  .{PRINTED} {{ display: block; }}
  .{PRINTED} table {{ border-collapse: collapse; font-size: 11px; }}
  .{PRINTED} th, .{PRINTED} td {{
    border: 1px solid #9a9a9a; padding: 2px 6px; text-align: right;
  }}
}}
"""
#: Ink is for letters: a dark page is printed in its negative, hues and pictures as they are.
_DARK = """
@media print {
  .stMainBlockContainer { filter: invert(1) hue-rotate(180deg) brightness(1.12); }
  .stMainBlockContainer img, .stMainBlockContainer image {
    filter: brightness(0.893) hue-rotate(180deg) invert(1);
  }
}
"""


def style() -> None:
    """Put the rules into the page."""
    dark = _DARK if current_scheme() == "dark" else ""
    st.html(f"<style>{_STYLE}{dark}</style>")


def printed_table(html: str) -> None:
    """A table of HTML that stands on paper in the place of the one on the screen."""
    st.html(f'<div class="{PRINTED}">{html}</div>')
