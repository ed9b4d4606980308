"""A labeller of each test alone, in front of the first image."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.conftest import App
from tests.browser.label_session import (
    LabelSession,
    join,
    make_study,
    open_page,
)


@pytest.fixture(scope="module")
def study_id(app: App) -> str:
    return make_study(app.home, trials=16)


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One for all: each test has a labeller of its own, and Streamlit's files are read once."""
    with closing(browser.new_context(viewport={"width": 1280, "height": 800})) as context:
        yield context


@pytest.fixture
def session(app: App, study_id: str) -> Iterator[LabelSession]:
    """A labeller of this test alone."""
    session = join(app.url, app.home, study_id)
    with closing(session.database):
        yield session


@pytest.fixture
def label_page(page: Page, session: LabelSession) -> Page:
    open_page(page, session)
    return page
