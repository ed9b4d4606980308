"""The report as its reader meets it: one file, opened in Chromium without a network."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from app.__main__ import main
from data.database import as_json, open_database
from data.home import Home
from labelling.analysis_plan import AnalysisPlan, Comparison, freeze
from labelling.eligibility import JudgingRule
from labelling.estimands import FOOLED_WHILE_PEOPLE_AGREE
from tests.browser.conftest import Complaints
from tests.browser.synthetic_home import add_synthetic_experiment, add_synthetic_judgements

HOSTILE = '<img src="https://elsewhere.example/x.png"><script>alert(1)</script>'
PLAN = AnalysisPlan(
    rule=JudgingRule("unanimous"),
    estimand=FOOLED_WHILE_PEOPLE_AGREE.key,
    limit=6.0,
    trials=24,
    comparisons=(Comparison("classifier", "mnist-standard", "mnist-robust"),),
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
    add_synthetic_judgements(root, experiment_id)
    file = tmp_path / "report.html"
    assert main(["report", experiment_id, str(file), "--home", str(root)]) == 0
    page, asked = opened(file)
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    # Curves, two comparisons and the funnel; each drawn by the one script in the file.
    expect(page.locator(".js-plotly-plot")).to_have_count(4)
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
    assert page.locator(".pictures img").count() > 4
    screenshot(page, "report")
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
    experiment_id = add_synthetic_experiment(root, 12, "Synthetic, two searches")
    with closing(open_database(home_folder)) as database:
        database.execute("UPDATE conditions SET search = 'minimum-norm' WHERE subset = 'last'")
        database.execute(
            "UPDATE conditions SET subset = 'first', role = 'random-direction', controls = 0,"
            f" repetition = 1, schedule = '{as_json({'budget': 1})}' WHERE position = 3"
        )
    file = tmp_path / "report.html"
    assert main(["report", experiment_id, str(file), "--home", str(root)]) == 0
    text = file.read_text(encoding="utf-8")
    assert "<h3>relaxation search, imagenet schedule</h3>" in text
    assert "<h3>minimum-norm search, imagenet schedule</h3>" in text
    assert "random direction 1" in text
    assert main(["report", experiment_id, "--limit", "-1", "--home", str(root)]) == 2
    assert "M_max must be a number above 0" in capsys.readouterr().err
