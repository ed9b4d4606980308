"""The Results page in Chromium, on synthetic experiments with synthetic judgements."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from app.runner.lock import worker_lock
from data import jobs
from data.database import open_database
from data.home import Home
from labelling.distances import DISTANCES, MEANS
from labelling.eligibility import trial_table
from labelling.estimands import ESTIMANDS, FOOLED_WHILE_PEOPLE_AGREE, RAW
from labelling.means import table_of_means
from tests.browser.conftest import (
    App,
    downloaded,
    running_app,
    wait_until_drawn,
    wait_until_ready,
)
from tests.browser.results_page import chart_text, results_of
from tests.browser.synthetic_home import (
    MINIMUM_NORM,
    RELAXATION,
    add_synthetic_experiment,
    add_synthetic_judgements,
    skip_under_one_condition,
)

TRIALS = 30
#: A worker imports torch and runs a first part of the demo, maybe beside other tests.
LONG_MS = 120_000
WORKER = "a worker that the test plays"
#: In which attributes the chart's traces have lists: as they were found, and as Plotly finds them.
LISTS_FOUND = "() => document.querySelector('.js-plotly-plot')._fullData.map((t) => t._arrayAttrs)"
LISTS_THERE = """async () => {
    const script = document.createElement("script");
    script.src = document.querySelector("script[src*='plotly.js']").src;
    const there = new Promise((resolve) => (script.onload = resolve));
    document.head.append(script);
    await there;
    const traces = document.querySelector(".js-plotly-plot")._fullData;
    return traces.map((trace) => window.Plotly.PlotSchema.findArrayAttributes(trace));
}"""
SVG = "{http://www.w3.org/2000/svg}"
#: Where in the chart a point of the first focused curve lies, near its end.
POINT = """() => {
    const chart = document.querySelector(".js-plotly-plot");
    const trace = chart._fullData.findIndex((one) => one.customdata);
    const { x, y, xaxis, yaxis } = chart._fullData[trace];
    const [across, up] = [xaxis, yaxis].map(
        (name) => chart._fullLayout[name.replace(/^([xy])/, "$1axis")]);
    const point = x.length - 4;
    return {
        x: across._offset + across.l2p(x[point]), y: up._offset + up.l2p(y[point]) };
}"""


@dataclass(frozen=True)
class World:
    """A server with synthetic experiments: judged, in part, not at all, and by two searches."""

    app: App
    judged: str
    partly: str
    unjudged: str
    searched: str


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("results") / "home"
    # The test holds the worker's place, so that the pages start none and jobs stand still.
    with worker_lock(Home(home), "cpu"), running_app(home) as app:
        searched = add_synthetic_experiment(
            home, 10, "Synthetic, searched", first_seed=400, searches=(RELAXATION, MINIMUM_NORM)
        )
        skip_under_one_condition(home, searched, trial=4)
        experiments = [
            add_synthetic_experiment(home, trials, f"Synthetic, {name}", first_seed=first)
            for name, trials, first in (
                ("judged", TRIALS, 0),
                ("judged in part", TRIALS, 100),
                ("unjudged", TRIALS, 300),
            )
        ]
        for experiment_id, share in zip(experiments, (1.0, 0.5), strict=False):
            add_synthetic_judgements(home, experiment_id, share)
        yield World(app, *experiments, searched)


@pytest.fixture
def results(world: World, page: Page) -> Callable[[str], Page]:
    """`results("experiment=…&view=Table")` opens the page with that query."""
    return results_of(world.app, page)


@pytest.fixture
def pictures(screenshot: Callable[..., list[Path]]) -> Callable[[Page, str], list[Path]]:
    """`screenshot`, of a window that all of the page fits into: it scrolls inside itself."""
    return partial(screenshot, height=1400)


def choose(page: Page, name: str) -> None:
    """Press the estimand of this name."""
    page.get_by_role("radio", name=name, exact=True).click()
    wait_until_ready(page)


def downloaded_csv(page: Page, button: str) -> pd.DataFrame:
    return pd.read_csv(downloaded(page, button))


def test_a_judged_experiment_shows_the_filtered_curve(results, world, pictures, complaints):
    page = results(f"experiment={world.judged}")
    title = "Proportion fooled against perturbation magnitude: fooled while people agree"
    expect(chart_text(page).get_by_text(title)).to_be_visible()
    for text in ("Layers: first", "Layers: last", "mnist-robust", "Source-judged"):
        expect(chart_text(page).get_by_text(text).first).to_be_visible()
    expect(page.get_by_text(FOOLED_WHILE_PEOPLE_AGREE.definition)).to_be_visible()
    expect(page.get_by_text("by the majority of the labellers").first).to_be_visible()
    expect(page.get_by_text("All are judged.")).to_be_visible()
    pictures(page, "results-judged")
    assert complaints.messages == []


def test_synthetic_judgements_are_called_so_on_the_page_and_in_the_figure(results, world):
    page = results(f"experiment={world.judged}")
    expect(page.get_by_text("No person judged these images")).to_be_visible()
    expect(chart_text(page).get_by_text("SYNTHETIC JUDGEMENTS")).to_be_visible()


def test_missing_judgements_show_as_bounds_and_as_what_is_left_to_do(results, world, pictures):
    page = results(f"experiment={world.partly}")
    expect(page.get_by_text("Judged so far:")).to_be_visible()
    legend = chart_text(page).get_by_text("possible, whatever the missing judgements say")
    expect(legend).to_be_visible()
    pictures(page, "results-judged-in-part")


@pytest.mark.parametrize("estimand", ESTIMANDS.values(), ids=ESTIMANDS)
def test_an_estimand_is_one_press_away_and_stays_in_the_address(results, world, estimand):
    page = results(f"experiment={world.judged}&estimand=raw")
    choose(page, estimand.name)
    for _ in range(2):
        title = f"perturbation magnitude: {estimand.name.lower()}"
        expect(chart_text(page).get_by_text(title)).to_be_visible()
        expect(page.get_by_text(estimand.definition)).to_be_visible()
        page.reload()
        wait_until_ready(page)


def test_a_choice_that_overtakes_the_address_of_the_one_before_loses_nothing(results, world):
    """The browser is kept from hearing of the first, and sends the address of before both."""
    page = results(f"experiment={world.judged}")
    chosen = ["common set", "Raw"]
    radios = [page.get_by_role("radio", name=name, exact=True).element_handle() for name in chosen]
    page.evaluate(
        """async ([first, second]) => {
            first.click();
            await new Promise((sent) => setTimeout(sent, 10));
            for (const began = performance.now(); performance.now() < began + 1000; );
            second.click();
        }""",
        radios,
    )
    wait_until_ready(page)
    for name in chosen:
        expect(page.get_by_role("radio", name=name, exact=True)).to_be_checked()
    expect(page).to_have_url(re.compile("(?=.*trials=common)(?=.*estimand=raw)"))


def test_the_published_curve_shows_the_share_it_removed(results, world):
    page = results(f"experiment={world.judged}&estimand=as-published")
    expect(chart_text(page).get_by_text("of the eligible removed").first).to_be_visible()


def test_without_judgements_there_is_the_raw_curve_and_what_is_missing(results, world, pictures):
    page = results(f"experiment={world.unjudged}&estimand=source-judged")
    expect(page.get_by_text("No judgements yet: the curve is raw.")).to_be_visible()
    expect(chart_text(page).get_by_text("perturbation magnitude: raw")).to_be_visible()
    expect(chart_text(page).get_by_text("Source-judged")).to_have_count(0)
    expect(page.get_by_role("radio", name="Source-judged")).to_be_disabled()
    pictures(page, "results-unjudged")
    page.get_by_role("link", name="Set up a study").click()
    page.wait_for_url("**/studies*")


def test_the_address_names_the_experiment_even_if_it_is_the_newest(results, world):
    page = results("")
    expect(page).to_have_url(re.compile(f"experiment={world.unjudged}"))


def test_files_carry_the_rule_and_what_was_drawn(results, world):
    page = results(f"experiment={world.judged}&beside=raw")
    curves = downloaded_csv(page, "Curves as CSV")
    assert set(curves["estimand"]) == {FOOLED_WHILE_PEOPLE_AGREE.key, RAW.key}
    assert curves["judging_rule"].str.contains("majority").all()
    assert curves["synthetic_judgements"].all()
    trials = downloaded_csv(page, "Trials as CSV")
    assert len(trials) == 4 * TRIALS
    distances = trials.loc[trials["outcome"] == "found", list(DISTANCES)]
    assert (distances.min() > 0).all() and distances["ssim"].max() < 1
    assert trials.loc[trials["outcome"] != "found", "ssim"].isna().all()
    assert set(trials["source_judgement"]) == {"agree", "disagree", "missing"}
    assert set(trials[trials["source_judgement"] == "missing"]["outcome"]) == {"skipped"}


def test_the_camera_saves_the_figure_fit_for_print(results, world):
    page = results(f"experiment={world.judged}")
    plot = page.locator(".js-plotly-plot")
    expect(plot).to_be_visible()
    wait_until_drawn(page)
    shown = plot.bounding_box()
    with page.expect_download() as download:
        page.locator("[data-title*='Download plot']").click()
    assert download.value.suggested_filename == (
        f"plainview-{world.judged}-{FOOLED_WHILE_PEOPLE_AGREE.key}.png"
    )
    image = Image.open(io.BytesIO(Path(download.value.path()).read_bytes()))
    assert image.width == pytest.approx(3 * shown["width"], abs=6)
    # Another estimand is drawn into the chart that stands there, and has another file.
    layer = plot.locator(".draglayer").first.element_handle()
    choose(page, RAW.name)
    expect(chart_text(page).get_by_text("perturbation magnitude: raw")).to_be_visible()
    assert layer.evaluate("layer => layer.isConnected")
    for button in (
        page.locator("[data-title*='Download plot']"),
        page.get_by_role("button", name="Figure as PNG"),
    ):
        wait_until_ready(page)
        with page.expect_download() as download:
            button.click()
        assert download.value.suggested_filename == f"plainview-{world.judged}-{RAW.key}.png"


def test_the_table_is_the_one_that_labelling_computes(results, world, pictures):
    page = results(f"experiment={world.judged}&view=Table")
    expect(page.get_by_text("Restricted mean: the average of")).to_be_visible()
    expect(page.get_by_text("Plain mean, as in the paper's Table 1")).to_be_visible()
    shown = downloaded_csv(page, "Table as CSV").set_index(["subset", "classifier"]).sort_index()
    with closing(open_database(Home(world.app.home))) as database:
        trials = trial_table(database, [world.judged])
    expected = table_of_means(trials, FOOLED_WHILE_PEOPLE_AGREE)
    expected = expected.set_index(["subset", "classifier"]).sort_index()
    columns = ["restricted_mean", "low", "high", "plain_mean", "n", "n_plain", "removed"]
    pd.testing.assert_frame_equal(shown[columns], expected[columns])
    assert shown[list(MEANS)].notna().all(axis=None)
    pictures(page, "results-table")


def test_the_table_as_latex_and_markdown_says_its_rule(results, world):
    page = results(f"experiment={world.judged}&view=Table")
    latex = downloaded(page, "Table as LaTeX").read_text()
    assert r"\toprule" in latex and latex.count("mnist-") == 4
    markdown = downloaded(page, "Table as Markdown").read_text()
    for text in (latex, markdown):
        assert "by the majority" in text and "SYNTHETIC JUDGEMENTS" in text


def test_classifiers_are_compared_in_numbers_and_in_words(results, world, pictures):
    page = results(f"experiment={world.judged}&view=Compare")
    expect(chart_text(page).get_by_text("Paired differences")).to_be_visible()
    words = page.get_by_text("On the same 27 sources").or_(page.get_by_text("On the same 26"))
    expect(words.first).to_contain_text("while people agree")
    expect(words.first).to_contain_text("after Holm's correction for 2 comparisons")
    expect(words.first).to_contain_text("not which classifier has the smaller perturbation")
    rows = downloaded_csv(page, "Comparisons as CSV")
    assert rows["in_words"].str.startswith("On the same").all()
    pictures(page, "results-compare")
    page.get_by_role("radio", name="Searches").click()
    expect(page.get_by_text("This experiment has one search")).to_be_visible()


def test_a_comparison_of_searches_names_them_all_and_takes_the_common_set(
    results, world, pictures, complaints
):
    page = results(f"experiment={world.searched}&view=Compare&compare=search&trials=common")
    for said in (
        "relaxation search, imagenet schedule, up to 200 steps",
        "and minimum-norm search, cosine schedule, up to 300 steps",
        "the 9 trials that enter under every condition shown",
        "relaxation, imagenet − minimum-norm, cosine",
    ):
        expect(chart_text(page).get_by_text(said).first).to_be_visible()
    rows = downloaded_csv(page, "Comparisons as CSV")
    assert len(rows) == 4 and (rows["trials"] == 9).all()
    assert rows["in_words"].str.contains("It compares searches, not classifiers").all()
    pictures(page, "results-searches")
    assert complaints.messages == []


def test_a_click_on_a_curve_opens_the_pictures_behind_it(results, world, pictures):
    page = results(f"experiment={world.judged}&estimand=raw")
    page.set_viewport_size({"width": 1280, "height": 1400})  # all of the chart is in view
    expect(page.get_by_text("Click on a curve to see the pictures")).to_be_visible()
    expect(chart_text(page).get_by_text("perturbation magnitude: raw")).to_be_visible()
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    wait_until_drawn(page)
    place, box = page.evaluate(POINT), page.locator(".js-plotly-plot").bounding_box()
    page.mouse.move(box["x"] + place["x"], box["y"] + place["y"], steps=3)
    expect(page.locator(".hoverlayer")).to_contain_text("click: the pictures")
    page.mouse.down()
    page.mouse.up()
    panel = page.locator(".st-key-pictures-behind")
    expect(panel.get_by_text("fooled up to").first).to_be_visible()
    expect(panel.locator("img")).to_have_count(24)  # twelve pairs
    expect(panel.get_by_text(re.compile("pixel ℓ2 .*, ℓ∞ .* · SSIM 0"))).to_have_count(12)
    page.reload()
    wait_until_ready(page)
    expect(panel.locator("img")).to_have_count(24)
    pictures(page, "results-pictures")
    panel.get_by_role("button", name="Close").click()
    expect(panel).to_have_count(0)


def test_the_common_set_and_whose_judgements_count_are_in_the_address(results, world):
    page = results(
        f"experiment={world.judged}&trials=common&panels=classifier&labellers=synthetic-a"
        "&unclear=missing"
    )
    for said in (
        "trials that enter under every condition shown",
        "“unclear” counts as missing; of synthetic-a only",
        "layers: first",
    ):
        expect(chart_text(page).get_by_text(said).first).to_be_visible()


def test_the_funnel_counts_trials_from_all_to_counted(results, world, pictures):
    page = results(f"experiment={world.partly}&view=Funnel")
    for stage in ("trials", "classifier agreed", "person still agreed", "counted"):
        expect(chart_text(page).get_by_text(stage, exact=True).first).to_be_visible()
    expect(chart_text(page).get_by_text("unjudged").first).to_be_visible()
    pictures(page, "results-funnel")


def test_one_classifier_and_one_layer_subset_are_enough(results, world):
    page = results(f"experiment={world.judged}&classifiers=mnist-robust&layers=last")
    expect(chart_text(page).get_by_text("Layers: last")).to_be_visible()
    expect(chart_text(page).get_by_text("Layers: first")).to_have_count(0)
    expect(chart_text(page).get_by_text("mnist-standard")).to_have_count(0)


def test_the_judging_rule_redraws_and_is_printed_in_the_figure(results, world):
    page = results(f"experiment={world.judged}&rule=labeller&labeller=synthetic-a")
    expect(chart_text(page).get_by_text("by synthetic-a; “unclear” counts as no")).to_be_visible()
    standing = chart_text(page).first
    standing.evaluate("(chart) => (chart.dataset.stood = true)")
    page.get_by_role("button", name="Judging rule").click()
    page.get_by_text("Unanimous", exact=True).click()
    expect(chart_text(page).get_by_text("all labellers who answered")).to_be_visible()
    # It is changed, and not taken away and drawn anew.
    expect(standing).to_have_attribute("data-stood", "true")
    assert page.evaluate(LISTS_FOUND) == page.evaluate(LISTS_THERE)


def test_back_restores_what_was_chosen_before(results, world):
    page = results(f"experiment={world.judged}&limit=nonsense&rule=nobodys")
    choose(page, RAW.name)
    expect(chart_text(page).get_by_text("perturbation magnitude: raw")).to_be_visible()
    wait_until_ready(page)
    page.go_back()
    expect(chart_text(page).get_by_text("fooled while people agree").first).to_be_visible()


def test_another_experiment_is_chosen_from_the_list(results, world):
    page = results(f"experiment={world.judged}")
    page.get_by_role("combobox", name="Experiment").click()
    page.get_by_role("option", name="Synthetic, unjudged").click()
    expect(page.get_by_text("No judgements yet: the curve is raw.")).to_be_visible()
    expect(page).to_have_url(re.compile(f"experiment={world.unjudged}"))


@pytest.fixture
def job(world: World) -> Iterator[Callable[..., jobs.Job]]:
    """`job(done=30, total=120)` makes the unjudged experiment one that is running that far."""
    with closing(open_database(Home(world.app.home))) as database:

        def start(**progress: float) -> jobs.Job:
            submitted = jobs.submit(
                database,
                kind="experiment",
                experiment_id=world.unjudged,
                owner="test",
                device="cpu",
            )
            jobs.claim(database, "cpu", WORKER, lease_seconds=600)
            return jobs.report(database, submitted, WORKER, progress, lease_seconds=600)

        yield start
        for active in jobs.active_jobs(database):
            jobs.finish(database, active.id, WORKER, "done")


def test_a_running_experiment_shows_progress_and_can_be_stopped(
    results, world, job, pictures
) -> None:
    running = job(done=30, total=120, seconds_left=42)
    page = results(f"experiment={world.unjudged}")
    expect(page.get_by_text("Running: 30 of 120 trials · about 42 s left")).to_be_visible()
    pictures(page, "results-running")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopping …")).to_be_visible()
    with closing(open_database(Home(world.app.home))) as database:
        assert jobs.job(database, running.id).cancel
        jobs.finish(database, running.id, WORKER, "stopped")
    expect(page.get_by_text("was stopped before its end")).to_be_visible()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()


def test_a_failed_experiment_says_so_in_one_sentence_with_details_folded(
    results, world, job, pictures
) -> None:
    failing = job(done=30, total=120)
    with closing(open_database(Home(world.app.home))) as database:
        jobs.finish(database, failing.id, WORKER, "failed", "The weights are gone: fetch them.")
    page = results(f"experiment={world.unjudged}")
    expect(page.get_by_text("The experiment failed before its end.")).to_be_visible()
    expect(page.get_by_text("The weights are gone")).not_to_be_visible()
    pictures(page, "results-failed")
    page.get_by_text("Details").click()
    expect(page.get_by_text("The weights are gone")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("Waiting for the worker …")).to_be_visible()


@pytest.mark.slow
def test_an_empty_home_offers_the_demo_which_runs_and_stops(own_app: App, page: Page, pictures):
    page.goto(f"{own_app.url}/results")
    wait_until_ready(page)
    expect(page.get_by_text("No experiment has been run yet")).to_be_visible()
    pictures(page, "results-empty")
    page.get_by_role("button", name="Run the demo experiment, about 20 s").click()
    expect(page.get_by_text("Running:")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_text("No judgements yet: the curve is raw.")).to_be_visible(timeout=LONG_MS)
    expect(chart_text(page).get_by_text("imagenet schedule, up to 100 steps")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("was stopped before its end")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("Running:")).to_be_visible(timeout=LONG_MS)
