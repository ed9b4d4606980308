"""The whole path once: a search in the browser, an experiment, ten judgements, the curve.

The answers are a robot's, synthetic, and stay in the test's own temporary home.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing

from playwright.sync_api import Browser, Page, expect

from data.database import open_database
from data.home import Home
from data.judgements import judgements
from data.studies import studies
from tests.browser.conftest import ROOT, App, wait_until_ready
from tests.browser.label_session import join, open_page, press

SECONDS = 120_000


def run_experiment(app: App) -> None:
    """Twelve trials of both classifiers, by the command line, in the app's home."""
    words = "--generator mnist-conv --classifiers mnist-standard mnist-robust --subsets first"
    words += " --schedule imagenet --trials 12 --threads 1 --name First-light"
    subprocess.run(
        [sys.executable, "-m", "app", "experiment", *words.split(), "--home", str(app.home)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )


def test_from_a_search_to_ten_judgements_to_the_curve(
    own_app: App, page: Page, browser: Browser
) -> None:
    page.goto(f"{own_app.url}/?schedule=imagenet")
    wait_until_ready(page)
    page.get_by_role("button", name="Run", exact=True).click(timeout=SECONDS)
    expect(page.get_by_text("Fooled at magnitude")).to_be_visible(timeout=SECONDS)

    run_experiment(own_app)
    page.goto(f"{own_app.url}/results")
    wait_until_ready(page)
    expect(page.get_by_text("No judgements yet: the curve is raw.")).to_be_visible()

    page.goto(f"{own_app.url}/studies")
    wait_until_ready(page)
    page.get_by_role("textbox", name="Name").first.fill("First light")
    page.get_by_role("combobox", name="Experiments").click()
    page.get_by_role("option", name="First-light").click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Create study").click()
    expect(page.get_by_role("heading", name="First light")).to_be_visible()

    with closing(open_database(Home(own_app.home))) as database:
        [study] = studies(database)
    session = join(own_app.url, own_app.home, study.id)
    context = browser.new_context()
    labeller = context.new_page()
    open_page(labeller, session)
    for _ in range(10):
        press(labeller, session, "1")
    context.close()
    with closing(open_database(Home(own_app.home))) as database:
        assert len(judgements(database, study_id=study.id)) == 10

    page.goto(f"{own_app.url}/results")
    wait_until_ready(page)
    expect(page.get_by_text("No judgements yet")).to_have_count(0)
    expect(page.locator(".js-plotly-plot").first).to_contain_text("Fooled while people agree")
