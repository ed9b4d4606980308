"""The report as its reader meets it: one file, opened in Chromium without a network."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from app.__main__ import main
from app.report_gallery import SOURCES
from data.database import open_database
from data.home import Home
from labelling.analysis_plan import AnalysisPlan, Comparison, freeze
from labelling.eligibility import JudgingRule
from labelling.estimands import FOOLED_WHILE_PEOPLE_AGREE
from tests.browser.conftest import Complaints
from tests.browser.synthetic_home import (
    MINIMUM_NORM,
    RELAXATION,
    add_synthetic_experiment,
    add_synthetic_judgements,
    add_synthetic_strengths,
    add_synthetic_transfers,
)

HOSTILE = '<img src="https://elsewhere.example/x.png"><script>alert(1)</script>'
#: It takes two lines on a laptop.
RULE = JudgingRule("unanimous", exclusion=True, labellers=("synthetic-a", "synthetic-b"))
PLAN = AnalysisPlan(
    rule=RULE,
    estimand=FOOLED_WHILE_PEOPLE_AGREE.key,
    limit=6.0,
    trials=24,
    comparisons=(Comparison("classifier", "mnist-standard", "mnist-robust"),),
)

#: What a sheet of A4 leaves between margins of a centimetre, at 96 pixels an inch.
A4_PIXELS = (718, 1046)
FIGURES = (
    "Proportion fooled against perturbation magnitude",
    "Means to M_max = 6",
    "Paired differences of min(X, M_max)",
    "Paired differences of min(X, M_max)",
    "From trials to those counted",
    "The same sources across classifiers and layers",
    "Found against one classifier, tested on another",
    "Median magnitude that turns a label into a target",
    "Magnitude by layer",
    "Where people stop agreeing",
)


@pytest.fixture
def home_folder(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def opened(page: Page, context: BrowserContext) -> Callable[[Path], tuple[Page, list[str]]]:
    """`opened(file)`: the page, and every address that it asked for besides its own."""

    def open_file(file: Path) -> tuple[Page, list[str]]:
        asked: list[str] = []
        context.set_offline(True)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        return page, [
            url for url in asked if url != file.as_uri() and not url.startswith(("data:", "blob:"))
        ]

    return open_file


def assert_heads_are_whole(page: Page) -> None:
    """Every judged figure has its rule, and marks it as synthetic, within the figure."""
    for chart in page.locator(".js-plotly-plot").all():
        head = chart.locator(".g-gtitle")
        box, within = head.bounding_box(), chart.bounding_box()
        assert box["x"] + box["width"] <= within["x"] + within["width"]
        said = " ".join(head.locator("tspan.line").all_text_contents()).replace("\xa0", " ")
        if "No judgement is used" not in said:
            assert RULE.in_words() in said and "SYNTHETIC JUDGEMENTS" in said


def assert_fits_on_paper(page: Page) -> None:
    """No chart is wider or higher than a sheet, whatever the window was, and no menu is printed."""
    page.emulate_media(media="print", color_scheme="dark")
    width, height = A4_PIXELS
    for chart in page.locator(".js-plotly-plot").all():
        box = chart.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
        assert box["height"] <= height
        expect(chart.locator(".modebar-container")).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_a_judged_experiment_is_one_file_that_needs_no_network(
    home_folder: Home,
    tmp_path: Path,
    opened: Callable[[Path], tuple[Page, list[str]]],
    complaints: Complaints,
    screenshot: Callable[[Page, str], list[Path]],
) -> None:
    root = home_folder.root
    experiment_id = add_synthetic_experiment(root, 24, f"Synthetic {HOSTILE}")
    with closing(open_database(home_folder)) as database:
        freeze(database, experiment_id, PLAN, created_by="test")
    add_synthetic_transfers(root, experiment_id)
    add_synthetic_judgements(root, experiment_id)
    add_synthetic_strengths(root, experiment_id)
    file = tmp_path / "report.html"
    assert main(["report", experiment_id, str(file), "--home", str(root)]) == 0
    page, asked = opened(file)
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    # Each drawn by the one script in the file.
    expect(page.locator(".js-plotly-plot")).to_have_count(len(FIGURES))
    for title in FIGURES:
        expect(page.locator(".gtitle", has_text=title).first).to_be_visible()
    assert file.read_text(encoding="utf-8").count("plotly.js v") == 1
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Synthetic {HOSTILE}")
    expect(page.get_by_text("Synthetic judgements.")).to_be_visible()
    expect(page.get_by_text("Follows the analysis plan of")).to_be_visible()
    expect(page.get_by_text("all labellers who answered").first).to_be_visible()
    expect(page.get_by_role("cell", name=re.compile(r"^\d\.\d\d \[\d")).first).to_be_visible()
    expect(page.get_by_text(re.compile("^Planned. ")).first).to_be_visible()
    expect(page.get_by_text(re.compile("^Not planned, so exploratory. ")).first).to_be_visible()
    expect(page.get_by_text("an upper bound on the smallest one")).to_be_visible()
    expect(page.get_by_role("row", name="Seed 0")).to_be_visible()
    gallery = page.locator(".js-plotly-plot", has_text="The same sources across classifiers")
    assert gallery.locator("image").count() > 4 * SOURCES
    screenshot(page, "report")
    assert_heads_are_whole(page)
    assert_fits_on_paper(page)
    assert asked == []
    assert complaints.messages == []


@pytest.mark.parametrize("trials", [0, 2])
def test_an_experiment_with_little_in_it_has_a_report_too(
    home_folder: Home,
    tmp_path: Path,
    opened: Callable[[Path], tuple[Page, list[str]]],
    complaints: Complaints,
    trials: int,
) -> None:
    experiment_id = add_synthetic_experiment(home_folder.root, trials, "Synthetic, tiny")
    file = tmp_path / "report.html"
    options = ("--rule", "any", "--limit", "3", "--home", str(home_folder.root))
    assert main(["report", experiment_id, str(file), *options]) == 0
    page, asked = opened(file)
    expect(page.get_by_text("No analysis plan was frozen")).to_be_visible()
    expect(page.get_by_text("No judgement is used").first).to_be_visible()
    expected = "No trial has ended yet." if trials == 0 else "too few"
    expect(page.get_by_text(expected).first).to_be_visible()
    assert (asked, complaints.messages) == ([], [])


def test_several_searches_and_controls_are_told_apart(
    home_folder: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = home_folder.root
    experiment_id = add_synthetic_experiment(
        root, 12, "Synthetic, two searches", searches=(RELAXATION, MINIMUM_NORM)
    )
    with closing(open_database(home_folder)) as database:
        database.execute(
            "UPDATE conditions SET role = 'random-direction', controls = 0, repetition = 1"
            " WHERE position = 7"
        )
    file = tmp_path / "report.html"
    assert main(["report", experiment_id, str(file), "--home", str(root)]) == 0
    text = file.read_text(encoding="utf-8")
    assert "<h3>Relaxation search, imagenet schedule</h3>" in text
    assert "<h3>Minimum-norm search, cosine schedule</h3>" in text
    assert "random direction 1" in text
    compared = text[text.index("<h3>Paired comparison of searches</h3>") :]
    figure = compared[: compared.index("<h3>Controls") if "<h3>Controls" in compared else 40_000]
    assert "relaxation search, imagenet schedule and minimum-norm search, cosine" in figure
    assert main(["report", experiment_id, "--limit", "-1", "--home", str(root)]) == 2
    assert "M_max must be a number above 0" in capsys.readouterr().err
