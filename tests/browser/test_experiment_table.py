"""The table of experiments in Chromium: filtered, compared, duplicated, archived, deleted, planned.

On synthetic experiments with synthetic judgements: no search ran and no person judged anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app import api
from app.runner.lock import worker_lock
from app.runner.menu import write_menu
from app.runner.models import Models
from data.bundle_archive import Archive
from data.database import as_json, open_database
from data.experiments import experiment
from data.home import Home
from data.plans import plans
from tests.browser.conftest import App, Complaints, downloaded, running_app, wait_until_ready
from tests.browser.synthetic_home import add_synthetic_experiment, add_synthetic_judgements

ROW = 35  # pixels of a row of the table, and of its header


@dataclass(frozen=True)
class World:
    """A server whose home holds these experiments; `defined` has no results yet."""

    app: App
    home: Home
    judged: str
    unjudged: str
    defined: str


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    root = tmp_path_factory.mktemp("table") / "home"
    # The test holds the worker's place, so that the pages start none and nothing is run.
    with worker_lock(Home(root), "cpu"), running_app(root) as app:
        write_menu(Home(root), Models(Home(root)).menu())
        request = api.ExperimentRequest(
            "mnist-conv",
            classifiers=("mnist-robust",),
            subsets=("last",),
            schedules=("imagenet",),
            trials=11,
            seed=5,
        )
        defined = api.define(request, root, name="Defined only")
        with closing(open_database(Home(root))) as database:
            definition = experiment(database, defined).definition
        unjudged = add_synthetic_experiment(root, 16, "Synthetic, unjudged", first_seed=100)
        judged = add_synthetic_experiment(root, 24, "Synthetic, judged")
        add_synthetic_judgements(root, judged)
        with closing(open_database(Home(root))) as database:
            for one in (unjudged, judged):
                database["experiments"].update(one, {"definition": as_json(definition)})
        yield World(app, Home(root), judged, unjudged, defined)


@pytest.fixture
def experiments(world: World, page: Page) -> Callable[..., Page]:
    """`experiments(ids, …)` opens the page with these chosen."""

    def open_page(*chosen: str, query: str = "") -> Page:
        ids = "&".join(f"experiment={one}" for one in chosen)
        page.goto(f"{world.app.url}/experiments?{'&'.join(filter(None, [ids, query]))}")
        wait_until_ready(page)
        return page

    return open_page


def test_rows_are_found_chosen_and_compared(
    experiments: Callable[..., Page],
    world: World,
    complaints: Complaints,
    screenshot: Callable[[Page, str], list[Path]],
) -> None:
    page = experiments()
    table = page.get_by_test_id("stDataFrame")
    expect(table).to_have_count(1)
    page.get_by_role("textbox", name="Name, id, model or owner").fill("nothing of this name")
    page.keyboard.press("Enter")
    expect(page.get_by_text("None of them fits")).to_be_visible()
    page.get_by_role("textbox", name="Name, id, model or owner").fill("mnist-conv synthetic")
    page.keyboard.press("Enter")
    expect(table).to_have_count(1)
    wait_until_ready(page)
    expect(table.locator("td", has_text="Synthetic, judged")).to_be_attached()  # it is drawn
    chosen = f"experiment={world.judged}"
    for row, more in ((1, ""), (2, f"&experiment={world.unjudged}")):  # the boxes at their left
        table.click(position={"x": 15, "y": ROW * row + 15})
        page.wait_for_url(re.compile(f"{chosen}{more}"))
    expect(page.get_by_role("heading", name="2 experiments compared")).to_be_visible()
    expect(page.get_by_text("The same for all: ")).to_contain_text("classifiers")
    screenshot(page, "experiments-compared")
    assert complaints.messages == []


def test_a_duplicate_fills_the_form(experiments: Callable[..., Page], world: World) -> None:
    page = experiments(world.defined)
    page.get_by_role("button", name="Duplicate").click()
    expect(page.get_by_role("textbox", name="Name", exact=True)).to_have_value(
        "Defined only, again"
    )
    expect(page.get_by_text("1 condition × 11 trials.")).to_be_visible()
    expect(page.get_by_role("spinbutton", name="Seed")).to_have_value("5")


def test_what_is_archived_comes_back(experiments: Callable[..., Page], world: World) -> None:
    page = experiments(world.defined)
    page.get_by_role("button", name="Archive", exact=True).click()
    expect(page.get_by_text("Choose a row to watch")).to_be_visible()
    with closing(open_database(world.home)) as database:
        assert experiment(database, world.defined).archived_at
        page = experiments(world.defined, query="which=archived")
        page.get_by_role("button", name="Bring back").click()
        expect(page.get_by_text("None is archived")).to_be_visible()
        assert experiment(database, world.defined).archived_at is None


def test_an_empty_list_says_what_to_do_first(experiments: Callable[..., Page]) -> None:
    page = experiments(query="kind=exploration")
    expect(
        page.get_by_text("Nothing was searched in Explore yet: press Run there.")
    ).to_be_visible()


def test_only_what_nobody_judged_is_deleted_after_it_was_spelt_out(
    experiments: Callable[..., Page],
    world: World,
    screenshot: Callable[[Page, str], list[Path]],
) -> None:
    page = experiments(world.judged)
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("judgements of its pictures were made. Archive it")).to_be_visible()
    doomed = add_synthetic_experiment(world.home.root, 6, "Synthetic, doomed", first_seed=900)
    with closing(open_database(world.home)) as database:
        definition = experiment(database, world.judged).definition
        database["experiments"].update(doomed, {"definition": as_json(definition)})
    page = experiments(doomed)
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(
        page.get_by_text(re.compile(r"This removes 24 results and \d+ pictures that"))
    ).to_be_visible()
    screenshot(page, "experiments-delete")
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_text("Choose a row to watch")).to_be_visible()
    with closing(open_database(world.home)) as database:
        assert experiment(database, doomed) is None


def test_a_bundle_and_a_report_are_taken_along(
    experiments: Callable[..., Page], world: World, tmp_path: Path
) -> None:
    page = experiments(world.judged)
    page.get_by_role("button", name="Take along").click()
    bundle = downloaded(page, "Replication bundle").rename(tmp_path / "bundle.zip")
    with Archive(bundle) as archive:
        assert len(list(archive.lines("results.jsonl"))) == 24 * 4
    report = downloaded(page, "Report").read_text(encoding="utf-8")
    assert "<h1>Synthetic, judged</h1>" in report


def test_a_file_waits_for_a_slow_browser(experiments: Callable[..., Page], world: World) -> None:
    """Made once, it is there to be fetched though pages have run anew meanwhile, as any may."""
    page = experiments(world.judged)
    page.get_by_role("button", name="Take along").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Report").click()
    for _ in range(3):
        page.reload()
        wait_until_ready(page)
    assert "<h1>Synthetic, judged</h1>" in page.request.get(saved.value.url).text()


def test_sizes_are_worked_out_and_a_plan_is_frozen(
    experiments: Callable[..., Page],
    world: World,
    complaints: Complaints,
    screenshot: Callable[[Page, str], list[Path]],
) -> None:
    page = experiments(world.judged)
    page.get_by_text("How many trials and judgements?").click()
    page.get_by_role("button", name="Work it out").click()
    expect(page.get_by_text("Foreseen by drawing that many sources")).to_be_visible()
    screenshot(page, "experiments-sizes")
    page = experiments(world.unjudged)
    page.get_by_text("Analysis plan", exact=True).click()
    expect(page.get_by_text("No analysis plan was frozen")).to_be_visible()
    page.get_by_role("button", name="Freeze an analysis plan").click()
    page.get_by_role("spinbutton", name="Gold").fill("0.8")
    page.get_by_role("spinbutton", name="Gold").press("Tab")
    screenshot(page, "experiments-freeze")
    page.get_by_role("button", name="Freeze it", exact=True).click()
    page.get_by_text("Analysis plan (frozen)").click()
    expect(page.get_by_text("Follows the analysis plan of")).to_be_visible()
    screenshot(page, "experiments-frozen")
    with closing(open_database(world.home)) as database:
        [row] = plans(database, world.unjudged)
    expect(page.get_by_text(row.sha256)).to_be_visible()
    assert row.plan["exclusion"]["gold"] == 0.8
    page.goto(f"{world.app.url}/results?experiment={world.unjudged}")
    expect(page.get_by_text("Differs from the analysis plan of")).to_contain_text(
        "shows “raw”, planned “fooled while people agree”"
    )
    assert complaints.messages == []
