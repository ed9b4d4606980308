"""Experiments in a real browser: define, start, watch, stop, resume, and on to the results."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.runner.experiment_file import read_experiment_file
from data.database import open_database
from data.experiments import conditions, experiments
from data.home import home
from data.results import outcome_counts, results
from tests.browser.conftest import App, Complaints, downloaded, wait_until_ready

TRIALS = 6
#: A worker imports torch and searches, maybe beside other tests.
LONG_MS = 120_000
BROKEN = """generator = "mnist-conv"
classifiers = ["mnist-standard"]
subsets = ["frist", {z = 1, conv-1 = 0.5}]
schedules = ["imagenet"]
budget = 40
trials = 5
seed = 3

[controls]
random_directions = 1
"""


@pytest.fixture
def form(own_app: App, page: Page) -> Page:
    """The page of an empty home, the form unfolded and filled in."""
    page.goto(f"{own_app.url}/experiments")
    wait_until_ready(page)
    trials = page.get_by_role("spinbutton", name="Trials")
    trials.fill(str(TRIALS))
    trials.press("Tab")
    expect(page.get_by_text(f"4 conditions × {TRIALS} trials.")).to_be_visible()
    return page


def choose_schedule(page: Page, name: str) -> None:
    page.get_by_role("combobox", name="Schedules").click()
    page.get_by_role("option", name=name, exact=True).click()
    page.keyboard.press("Escape")


def test_an_experiment_is_started_watched_and_its_results_are_one_click_away(
    form: Page, own_app: App, complaints: Complaints
) -> None:
    choose_schedule(form, "imagenet")
    form.get_by_role("textbox", name="Name").fill("Six trials")
    form.get_by_role("button", name="Start", exact=True).click()
    expect(form.get_by_role("heading", name="Six trials")).to_be_visible()
    expect(form.get_by_text(re.compile(r"Running: \d+ of 24 trials"))).to_be_visible()
    # It has ended.
    expect(form.get_by_role("button", name="Archive")).to_be_visible(timeout=LONG_MS)

    database = open_database(home(own_app.home))
    [stored] = experiments(database)
    counts = outcome_counts(database, stored.id)
    assert sum(sum(of.values()) for of in counts.values()) == 4 * TRIALS
    assert [one.schedule_name for one in conditions(database, stored.id)] == ["imagenet"] * 4
    form.get_by_role("link", name="Results").last.click()
    form.wait_for_url(re.compile(f"/results.*experiment={stored.id}"))
    expect(form.get_by_role("heading", name="Results")).to_be_visible()
    assert complaints.messages == []


def test_a_stopped_experiment_keeps_what_it_found_and_is_resumed(
    form: Page, own_app: App, screenshot: Callable[[Page, str], list[Path]]
) -> None:
    form.get_by_role("button", name="Start", exact=True).click()
    database = open_database(home(own_app.home))
    stop = form.get_by_role("button", name="Stop", exact=True)
    expect(form.get_by_text(re.compile(r"Running: 0 of 24 trials · step \d"))).to_be_visible()
    screenshot(form, "experiments-running")
    stop.click()
    expect(form.get_by_text("The experiment was stopped before its end.")).to_be_visible()
    screenshot(form, "experiments-stopped")
    [stored] = experiments(database)
    kept = [row for one in conditions(database, stored.id) for row in results(database, one.id)]
    assert len(kept) < 4 * TRIALS

    form.reload()
    form.get_by_role("button", name="Resume").click()
    expect(form.get_by_text(re.compile(r"Running: \d+ of 24 trials"))).to_be_visible()
    form.get_by_role("button", name="Stop", exact=True).click()
    expect(form.get_by_text("The experiment was stopped before its end.")).to_be_visible()
    after = [row for one in conditions(database, stored.id) for row in results(database, one.id)]
    assert [row for row in after if row in kept] == kept


def test_an_archived_experiment_leaves_the_list(form: Page, own_app: App) -> None:
    form.get_by_role("button", name="Start", exact=True).click()
    form.get_by_role("button", name="Stop", exact=True).click()
    form.get_by_role("button", name="Archive").click()
    expect(form.get_by_role("heading", name=re.compile("mnist-conv"))).to_have_count(0)
    [stored] = experiments(open_database(home(own_app.home)), archived=True)
    assert stored.archived_at is not None


def test_a_file_fills_the_form_the_cost_is_said_and_the_experiment_extended(
    form: Page,
    own_app: App,
    tmp_path: Path,
    complaints: Complaints,
    screenshot: Callable[[Page, str], list[Path]],
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(BROKEN, encoding="utf-8")
    # With the cost the page comes anew: a file that is on its way just then would be lost.
    expect(form.get_by_text("24 results on cpu: at most")).to_be_visible()
    wait_until_ready(form)
    form.get_by_role("button", name="Load a file").click()
    form.locator("input[type=file]").set_input_files(file)
    expect(form.get_by_text("mine.toml, line 3, subsets: There is no layer subset")).to_be_visible()
    file.write_text(BROKEN.replace("frist", "first"), encoding="utf-8")
    form.locator("input[type=file]").set_input_files(file)
    expect(form.get_by_text("2 conditions × 5 trials, and 2 of control.")).to_be_visible()
    form.keyboard.press("Escape")
    expect(form.get_by_text("20 results on cpu: at most")).to_be_visible()
    screenshot(form, "experiments-form")
    file = downloaded(form, "Save as a file").read_text(encoding="utf-8")
    again, name = read_experiment_file(file)
    assert (again, name) == read_experiment_file(BROKEN.replace("frist", "first"))

    form.get_by_role("button", name="Start", exact=True).click()
    extend = form.get_by_role("button", name="Extend", exact=True)
    extend.click(timeout=LONG_MS)
    more = form.get_by_role("spinbutton", name="Trials").last
    more.fill("7")
    more.press("Tab")
    expect(form.get_by_text("8 results on cpu: ")).to_be_visible()
    screenshot(form, "experiments-extend")
    form.get_by_role("button", name="Extend and run").click()
    expect(form.get_by_role("heading", name="mnist-conv, 2 conditions, 7 trials")).to_be_visible()
    expect(extend).to_be_visible(timeout=LONG_MS)  # it has ended
    expect(form.get_by_text("Random directions of the same magnitude", exact=True)).to_be_visible()
    expect(form.get_by_text("Wilson's 95 % interval, for as many pictures")).to_be_visible()
    expect(form.get_by_text("Repeated runs of the same trials")).to_have_count(0)
    form.get_by_text("Definition", exact=True).click()
    expect(form.get_by_text("5 trials until")).to_be_visible()
    screenshot(form, "experiments-controls")

    database = open_database(home(own_app.home))
    [stored] = experiments(database)
    assert [past["trials"] for past in stored.history] == [5]
    rows = {
        (one.role, one.subset): results(database, one.id) for one in conditions(database, stored.id)
    }
    assert all([row.trial_index for row in of] == list(range(7)) for of in rows.values())
    assert set(rows) == {
        (role, subset)
        for role in ("search", "random-direction")
        for subset in ("first", "z+conv-1×0.5")
    }
    assert complaints.messages == []
