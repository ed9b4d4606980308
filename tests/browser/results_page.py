"""The Results page of a running app, as its tests open it and read it."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Locator, Page

from tests.browser.conftest import App, wait_until_ready


def results_of(app: App, page: Page) -> Callable[[str], Page]:
    """`results_of(app, page)("experiment=…&view=Table")` opens the page with that query."""

    def open_page(query: str) -> Page:
        page.goto(f"{app.url}/results?{query}")
        wait_until_ready(page)
        return page

    return open_page


def chart_text(page: Page) -> Locator:
    """What is written in the chart."""
    return page.locator(".js-plotly-plot .main-svg")
