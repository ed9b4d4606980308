"""The pieces that the report's page is made of, and the page around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files

import pandas as pd
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from app.charts.theme import chart_menu


def figure(drawn: go.Figure, name: str) -> str:
    """A chart that answers to the mouse; `name` is what its picture is saved as."""
    chart = drawn.to_html(
        full_html=False, include_plotlyjs=False, config=chart_menu(name), default_width="100%"
    )
    return f"<figure>{chart}</figure>"


def table(frame: pd.DataFrame) -> str:
    """A table with its headings; the index is left out."""
    return f"<div class=scroll>{frame.to_html(index=False, border=0)}</div>"


def pairs(values: Mapping[str, str]) -> str:
    """Names with what each stands for."""
    rows = "".join(f"<tr><th>{escape(name)}<td>{escape(value)}" for name, value in values.items())
    return f"<div class=scroll><table class=pairs>{rows}</table></div>"


def listed(lines: Sequence[str]) -> str:
    """Sentences below each other."""
    return f"<ul>{''.join(f'<li>{escape(line)}' for line in lines)}</ul>"


def folded(summary: str, content: str) -> str:
    """What is shown when somebody asks for it."""
    return f"<details><summary>{escape(summary)}</summary>{content}</details>"


def small(text: str) -> str:
    """What a figure shows and does not show."""
    return f"<p class=small>{escape(text)}</p>"


def page(title: str, parts: Sequence[str]) -> str:
    """The whole file. Its policy keeps it from the network, whatever a name may hold."""
    style = files("app").joinpath("report.css").read_text(encoding="utf-8")
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\';'
        " script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:\">"
        '<meta name=viewport content="width=device-width,initial-scale=1">'
        f'<link rel=icon href="data:,"><title>{escape(title)}</title><style>{style}</style>'
        f"<script>{get_plotlyjs()}</script></head><body><main>"
        + "\n".join(parts)
        + "</main></body></html>\n"
    )
