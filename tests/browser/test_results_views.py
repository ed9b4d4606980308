"""Every view of Results in Chromium: its files, permalink and print; little data mislead nobody.

The experiments and judgements are synthetic. No worker runs: labels and points have numbers.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from xml.etree import ElementTree

import pandas as pd
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from app.runner.lock import worker_lock
from app.widgets.figure_files import SCALE
from data.database import open_database
from data.home import Home
from tests.browser.conftest import (
    SCHEMES,
    App,
    downloaded,
    running_app,
    wait_until_drawn,
    wait_until_ready,
)
from tests.browser.results_page import results_of
from tests.browser.synthetic_home import (
    add_synthetic_experiment,
    add_synthetic_judgements,
    add_synthetic_strengths,
    add_synthetic_transfers,
    skip_under_one_condition,
)

SVG, LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
#: Whether the controls that keep their values in the address show these: what is on, or what is
#: written in them.
SHOWN = """(values) => Object.entries(values).every(([name, wanted]) => {
    const control = document.querySelector(`.st-key-address-${name}`);
    const on = control?.querySelectorAll("[aria-checked=true], [aria-pressed=true]") ?? [];
    const written = control?.querySelectorAll("input") ?? [];
    const shown = [...[...on].map((one) => one.innerText), ...[...written].map((one) => one.value)];
    return JSON.stringify(shown.map((one) => one.trim())) === JSON.stringify(wanted);
})"""


@dataclass(frozen=True)
class World:
    """A server with synthetic experiments: one with everything, one of three trials, one of one
    classifier, one in which nothing was fooled, and one whose first trial has not ended.
    """

    app: App
    whole: str
    tiny: str
    single: str
    unfooled: str
    empty: str


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("views") / "home"
    # The test holds the worker's place, so that the pages start none.
    with worker_lock(Home(home), "cpu"), running_app(home) as app:
        whole = add_synthetic_experiment(home, 30, "Synthetic, whole")
        tiny = add_synthetic_experiment(home, 3, "Synthetic, tiny", first_seed=200)
        single = add_synthetic_experiment(
            home, 12, "Synthetic, single", first_seed=300, classifiers=("mnist-robust",)
        )
        unfooled = add_synthetic_experiment(home, 8, "Synthetic, unfooled", first_seed=400)
        empty = add_synthetic_experiment(home, 0, "Synthetic, empty", first_seed=500)
        for one in (whole, tiny, single):
            add_synthetic_judgements(home, one)
            add_synthetic_strengths(home, one)
        skip_under_one_condition(home, whole, trial=4)
        for one in (whole, tiny):
            add_synthetic_transfers(home, one)
        with closing(open_database(Home(home), durable=True)) as database:
            database.execute(
                "UPDATE results SET outcome = 'exhausted', magnitude = NULL"
                " WHERE outcome = 'found' AND condition_id IN"
                " (SELECT id FROM conditions WHERE experiment_id = ?)",
                [unfooled],
            )
        yield World(app, whole, tiny, single, unfooled, empty)


@pytest.fixture
def results(world: World, page: Page) -> Callable[[str], Page]:
    """`results("experiment=…&view=Table")` opens the page with that query."""
    return results_of(world.app, page)


@dataclass(frozen=True)
class View:
    """A view with filters that are not the usual ones: what its controls, figure and files show.

    `shown`: the control's name in the address → what it shows. `said`: words of the figure.
    `tables`: what its files are called → a column → the values in it.
    """

    query: str
    shown: dict[str, list[str]]
    said: tuple[str, ...]
    tables: dict[str, dict[str, set[object]]] = field(default_factory=dict)
    pictures: bool = False


RULE = "rule=any&unclear=missing&labellers=synthetic-a&exclusion=on"
RULE_SAID = "by at least one labeller; “unclear” counts as missing; of synthetic-a only"
LAST = "layers=last&classifiers=mnist-robust"
OF_ONE = {"layers": ["last"], "classifiers": ["mnist-robust"]}
#: Two are skipped under every condition, and one under one of them.
COMMON = set(range(30)) - {4, 14, 29}
ONE = {"classifier": {"mnist-robust"}, "subset": {"last"}}

VIEWS = {
    "curves": View(
        f"view=Curves&trials=common&estimand=source-judged&axis=log&panels=classifier&{LAST}",
        OF_ONE | {"trials": ["common set"], "estimand": ["Source-judged"]},
        ("Proportion fooled", "source-judged", "mnist-robust", "trials that enter under every"),
        {
            "Curves": ONE | {"estimand": {"source-judged"}},
            "Trials": ONE | {"outcome": {"found", "exhausted"}},
        },
    ),
    "table": View(
        f"view=Table&estimand=as-published&limit=5&{LAST}",
        OF_ONE | {"estimand": ["As published"], "limit": ["5.00"]},
        ("Restricted means", "M_max = 5.00: as published", "layers last", "plain mean"),
        {"Table": ONE | {"limit": {5.0}}},
    ),
    "compare": View(
        "view=Compare&compare=subset&estimand=as-published&limit=5&trials=common&classifiers=mnist-robust",
        {
            "compare": ["Layers"],
            "estimand": ["As published"],
            "limit": ["5.00"],
            "trials": ["common set"],
        },
        ("Paired differences", "M_max = 5.00): as published", "first − last", "mnist-robust"),
        {"Comparisons": {"one": {"first"}, "other": {"last"}, "limit": {5.0}}},
    ),
    "funnel": View(
        f"view=Funnel&limit=5&{LAST}",
        OF_ONE | {"limit": ["5.00"]},
        ("From trials to those counted", "counted: fooled up to M_max = 5", "classifier agreed"),
        {"Funnel": ONE},
    ),
    "gallery": View(
        "view=Gallery&glabel=3&gtarget=8&from=1&to=6&said=agree&order=large&gain=8&page=2"
        f"&trials=common&{LAST}",
        OF_ONE
        | {"glabel": ["label 3"], "gtarget": ["label 8"], "from": ["1.00"], "to": ["6.00"]}
        | {"said": ["still the label"], "order": ["largest first"], "gain": ["8"], "page": ["2"]},
        ("differences × 8 (page 2", "‖p‖ from 1.00 to 6.00, people say: still the label", "trial"),
        {"Pictures that fit": ONE | {"outcome": {"found"}, "perturbed_judgement": {"agree"}}},
        pictures=True,
    ),
    "transfer": View(
        "view=What+fools+what&success=any&counted=source&layers=last",
        {"fools": ["Other classifiers"], "success": ["says anything but the label"]}
        | {"counted": ["source shows its label"], "layers": ["last"]},
        ("it says anything but the label, people recognise the source", "Found against"),
        {"Transfer": {"subset": {"last"}, "found_for": {"mnist-robust", "mnist-standard"}}},
    ),
    "labels": View(
        "view=What+fools+what&fools=Labels&of=mnist-robust&at=last&counted=both",
        {"fools": ["Labels"], "of": ["mnist-robust"], "at": ["last"]}
        | {"counted": ["both pictures show it"]},
        ("Median magnitude", "mnist-robust, last, people recognise both pictures", "label 8"),
        {"Labels": {"label_name": {"label 3", "all"}, "target_name": {"label 8", "all"}}},
    ),
    "layers": View(
        f"view=What+fools+what&fools=Layers&counted=both&{LAST}",
        OF_ONE | {"fools": ["Layers"], "counted": ["both pictures show it"]},
        ("Magnitude by layer", "people recognise both pictures", "point 6"),
        {"Layers": ONE | {"point_name": {f"point {number}" for number in range(7)}}},
    ),
    "people": View(
        "view=What+fools+what&fools=People&against=strength&trials=common",
        {"fools": ["People"], "against": ["strength"], "trials": ["common set"]},
        ("Where people stop agreeing", "Strength s", "People still say the label"),
        {
            "Fits": {"subset": {"first", "last"}},
            "Pictures": {"strength": {0.4, 0.9, 1.4}, "trial_index": COMMON},
        },
    ),
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_a_permalink_restores_every_filter_and_all_files_say_so(
    results, world, complaints, view: View
):
    query = f"experiment={world.whole}&{view.query}&{RULE}"
    page = results(query)
    chart = page.locator(".js-plotly-plot")
    expect(chart.get_by_text(RULE_SAID).first).to_be_visible()
    for words in view.said:
        expect(chart.get_by_text(words).first).to_be_visible()
    assert page.url.partition("?")[2] == query
    expect(page.get_by_role("button", name="Share chart")).to_have_count(0)
    page.wait_for_function(SHOWN, arg=view.shown)
    if "axis=log" in view.query:
        assert chart.evaluate("chart => chart._fullLayout.xaxis.type") == "log"
    _figure_files(page, view, world)
    for label, columns in view.tables.items():
        table = pd.read_csv(downloaded(page, f"{label} as CSV"))
        assert (
            len(table) and table["judging_rule"].str.contains(RULE_SAID.removeprefix("by ")).all()
        )
        assert table["synthetic_judgements"].all() and set(table["experiment_id"]) == {world.whole}
        for name, values in columns.items():
            assert set(table[name]) == values, name
        parquet = pd.read_parquet(downloaded(page, f"{label} as Parquet"))
        assert list(parquet) == list(table) and len(parquet) == len(table)
    assert complaints.messages == []


def _figure_files(page: Page, view: View, world: World) -> None:
    """PNG, SVG and HTML of the figure, whole and of themselves."""
    wait_until_drawn(page)
    shown = page.locator(".js-plotly-plot .main-svg").first.bounding_box()
    image = Image.open(downloaded(page, "Figure as PNG")).convert("RGB")
    assert image.width == pytest.approx(SCALE * shown["width"], abs=6)
    assert image.height == pytest.approx(SCALE * shown["height"], abs=6)
    assert len(image.getcolors(1 << 24)) > 50  # lines, bands and text, no blank
    drawing = ElementTree.parse(downloaded(page, "Figure as SVG")).getroot()
    text = " ".join("".join(one.itertext()) for one in drawing.iter(f"{SVG}text"))
    for said in (*view.said, RULE_SAID, "SYNTHETIC JUDGEMENTS", world.whole):
        assert said in text
    assert not {"hoverlayer", "draglayer"} & {one.get("class") for one in drawing.iter()}
    named = {one.get("id") for one in drawing.iter() if one.get("id")}
    for one in drawing.iter():
        for place in re.findall(r"url\(([^)]*)\)", " ".join(one.attrib.values())):
            assert place.startswith("#") and place[1:] in named
    pictures = [one.get(f"{LINK}href") or one.get("href") for one in drawing.iter(f"{SVG}image")]
    assert len(pictures) > 2 or not view.pictures
    assert all(one.startswith("data:image/png;base64,") for one in pictures)
    alone = downloaded(page, "Figure as HTML").read_text()
    assert "by at least one labeller" in alone and not re.search(
        r"<script[^>]* src=|<link[^>]* href=", alone
    )
    assert alone.count("base64,iVBOR") >= len(pictures) or not view.pictures


#: What a view says, in its figure or instead of it: of three trials, and of one classifier.
LITTLE = {
    "view=Curves": ("3 trials a condition", "Layers: last"),
    "view=Table": ("[too few]", "layers last"),
    "view=Compare": ("Too few: no two of them share 6 sources", "There is one classifier here"),
    "view=Compare&compare=subset": ("Too few: no two of them share 6 sources", "first − last"),
    "view=Funnel": ("3 trials a condition", "classifier agreed"),
    "view=Gallery": ("3 trials a condition", "mnist-robust"),
    "view=What+fools+what": ("3 trials a condition", "What can be tested is known as soon as"),
    "view=What+fools+what&fools=Labels": ("3 trials a condition", "Median magnitude"),
    "view=What+fools+what&fools=Layers": ("3 trials a condition", "mnist-robust"),
    "view=What+fools+what&fools=People": (
        "no curve, ",
        "mnist-robust, layers last: half agree",
    ),
}


@pytest.mark.parametrize("query", LITTLE)
def test_little_data_misleads_nobody(results, world, complaints, query: str):
    for experiment_id, said in zip((world.tiny, world.single), LITTLE[query], strict=True):
        page = results(f"experiment={experiment_id}&{query}")
        # Attached: the cells of a table are drawn, and only written for those who cannot see it.
        expect(page.get_by_role("tabpanel").get_by_text(said).first).to_be_attached()
        expect(page.get_by_text("Something went wrong")).to_have_count(0)
        if experiment_id == world.single:
            expect(page.get_by_text("mnist-standard")).to_have_count(0)
    assert complaints.messages == []


NOTHING = "No trial of these conditions was fooled yet"
#: What a view, or a part of the last one, says where nothing was fooled.
UNFOOLED = {
    "Curves": "No judgement is used.",
    "Table": NOTHING,
    "Compare": NOTHING,
    "Funnel": "nothing fooled",
    "Gallery": "No picture fits",
    "What fools what": NOTHING,
}
UNFOOLED_PARTS = {
    "Labels": "∞",
    "Layers": "No found trial that counts under this rule",
    "People": "No picture of this experiment was shown at a randomised",
}


def test_where_nothing_was_fooled_every_view_says_so(results, world, complaints):
    page = results(f"experiment={world.unfooled}")
    for name, said in (UNFOOLED | UNFOOLED_PARTS).items():
        page.get_by_role("tab" if name in UNFOOLED else "radio", name=name, exact=True).click()
        expect(page.get_by_role("tabpanel").get_by_text(said).first).to_be_attached()
        expect(page.get_by_text("Something went wrong")).to_have_count(0)
    assert complaints.messages == []


def test_an_experiment_without_results_says_that_they_are_on_their_way(results, world, complaints):
    page = results(f"experiment={world.empty}&view=Gallery")
    expect(page.get_by_text("The first trials are still searching")).to_be_visible()
    assert complaints.messages == []


#: The chart's width when a print begins, noted after it was told.
NOTE_WIDTH = """() => addEventListener("beforeprint", () => {
    const drawn = document.querySelector(".js-plotly-plot .main-svg");
    window.printed = drawn.getBoundingClientRect().width;
})"""


@pytest.mark.parametrize("scheme", SCHEMES)
def test_on_paper_are_the_chart_and_the_table_and_no_controls(results, world, page, scheme: str):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 1920, "height": 1200})
    results(f"experiment={world.whole}&view=Table")
    chart = page.locator(".js-plotly-plot")
    expect(chart.get_by_text("Restricted means").first).to_be_visible()
    controls = [page.locator(f".st-key-{key}") for key in ("filters", "files", "address-estimand")]
    controls += [page.get_by_role("tab", name="Table"), page.locator(".stDataFrame")]
    for control in controls:
        expect(control).to_be_visible()
    wait_until_ready(page)
    wait_until_drawn(page)
    page.evaluate(NOTE_WIDTH)
    drawn = chart.locator(".main-svg").first
    before = drawn.bounding_box()["width"]
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
    assert page.evaluate("window.printed") < 1040 < before  # A4 that lies is 1031 pixels wide
    page.wait_for_function(
        "width => document.querySelector('.main-svg').getBoundingClientRect().width === width",
        arg=before,
    )
    page.emulate_media(media="print", color_scheme=scheme)
    for control in controls:
        expect(control).not_to_be_visible()
    expect(drawn).to_be_visible()
    printed = page.locator(".printed-only")
    for said in ("Restricted mean to", "SSIM", "mnist-robust"):
        expect(printed.get_by_text(said).first).to_be_visible()
    picture = Image.open(io.BytesIO(page.screenshot())).convert("L")
    assert max(picture.getcolors())[1] == 255  # the page
    chart_picture = Image.open(io.BytesIO(drawn.screenshot())).convert("L")
    shades = chart_picture.getcolors()
    assert max(shades)[1] >= 250 and min(shade for _, shade in shades) < 90  # dark on white


def test_on_a_very_wide_screen_lines_stay_short_and_letters_grow(results, world, page):
    page.set_viewport_size({"width": 3840, "height": 2000})
    results(f"experiment={world.tiny}&view=Table")
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    block = page.locator(".stMainBlockContainer").element_handle()
    page.wait_for_function("block => block.getBoundingClientRect().width <= 2400", arg=block)
    tab = page.get_by_role("tab", name="Table").element_handle()
    page.wait_for_function("tab => parseFloat(getComputedStyle(tab).fontSize) > 15", arg=tab)
