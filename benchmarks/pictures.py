"""Plotly figures as PNG files, drawn by the Chromium that the browser tests use."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import plotly.graph_objects as go
from playwright.sync_api import sync_playwright

CHROMIUM = os.environ.get("PLAINVIEW_CHROMIUM", "/usr/bin/chromium")


def save_pngs(figures: Mapping[Path, go.Figure], *, width: int, scale: int = 2) -> None:
    """Write each figure to its file, `width` pixels wide times `scale`."""
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for file, figure in figures.items():
            height = int(figure.layout.height or 500)
            page = browser.new_page(
                viewport={"width": width, "height": height}, device_scale_factor=scale
            )
            html = Path(folder) / "figure.html"
            figure.write_html(html, config={"displayModeBar": False}, default_width=width)
            page.goto(html.as_uri())
            page.wait_for_selector(".main-svg")
            page.locator(".js-plotly-plot").screenshot(path=file)
            page.close()
        browser.close()
