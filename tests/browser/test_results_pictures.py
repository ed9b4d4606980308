"""Gallery and What fools what in Chromium, on a small real experiment and with a real worker."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from app import api
from app.runner.menu import read_menu
from app.runner.request import ExperimentRequest
from data.home import home
from labelling.distances import DISTANCES
from tests.app.processes import until
from tests.browser.conftest import (
    App,
    downloaded,
    running_app,
    wait_until_drawn,
    wait_until_ready,
)

#: A worker imports torch and searches, maybe beside other tests.
LONG_MS = 120_000
REQUEST = ExperimentRequest(
    "mnist-conv",
    ("mnist-standard", "mnist-robust"),
    ("first", "last"),
    schedules=("imagenet",),
    budget=60,
    trials=10,
    slots=10,
)
#: Where on the page the first perturbed picture of the gallery is.
FIRST_PICTURE = """() => {
    const chart = document.querySelector(".js-plotly-plot"), layout = chart._fullLayout;
    const { x, y } = chart._fullData[0];
    return { x: layout.xaxis._offset + layout.xaxis.l2p(x[0]),
             y: layout.yaxis._offset + layout.yaxis.l2p(y[0]) };
}"""


@dataclass(frozen=True)
class World:
    """A server whose home holds an experiment of ten trials under four conditions."""

    app: App
    experiment_id: str

    def address(self, query: str) -> str:
        """A view of its results."""
        return f"{self.app.url}/results?experiment={self.experiment_id}&{query}"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("pictures") / "home"
    experiment_id = api.define(REQUEST, folder)
    list(api.run(experiment_id, folder, threads=1))
    with running_app(folder) as app:
        yield World(app, experiment_id)


def test_the_gallery_turns_filters_and_leads_to_the_run(world: World, page: Page, complaints):
    page.goto(world.address("view=Gallery"))
    wait_until_ready(page)
    chart = page.locator(".js-plotly-plot")
    for text in ("Source", "Layers: first", "mnist-robust", "trial 0"):
        expect(chart.get_by_text(text).first).to_be_visible(timeout=LONG_MS)
    expect(chart.get_by_text("No judgement is used.")).to_be_visible()
    expect(chart.locator("svg image").first).to_be_attached()

    page.get_by_role("button", name="Next", exact=True).click()
    expect(chart.get_by_text("(page 2 of")).to_be_visible()
    expect(page).to_have_url(re.compile("page=2"))
    wait_until_ready(page)
    page.go_back()
    expect(chart.get_by_text("(page 1 of")).to_be_visible()

    wait_until_ready(page)
    wait_until_drawn(page)
    chart.hover(position=page.evaluate(FIRST_PICTURE))
    expect(chart.locator(".hoverlayer")).to_contain_text(re.compile("pixel ℓ2 .*ℓ∞ .*SSIM 0"))

    everything = pd.read_csv(downloaded(page, "Pictures that fit as CSV"))
    assert everything[list(DISTANCES)].notna().all(axis=None)
    assert set(everything["outcome"]) == {"found"} and everything["judging_rule"].notna().all()
    middle = everything["magnitude"].median()
    page.goto(world.address(f"view=Gallery&from={middle:.6f}&order=large"))
    wait_until_ready(page)
    expect(chart.get_by_text("Source").first).to_be_visible()
    fitting = pd.read_csv(downloaded(page, "Pictures that fit as CSV"))
    expected = everything[everything["magnitude"] >= float(f"{middle:.6f}")]
    assert sorted(fitting["magnitude"]) == sorted(expected["magnitude"])

    page.goto(world.address("view=Gallery&said=agree"))
    expect(page.get_by_text("No picture fits: widen the filters above.")).to_be_visible()

    page.goto(world.address("view=Gallery"))
    wait_until_ready(page)
    expect(chart.get_by_text("Source").first).to_be_visible()
    wait_until_drawn(page)
    # The worker knows the generator, once it has started.
    until(lambda: read_menu(home(world.app.home)))
    chart.click(position=page.evaluate(FIRST_PICTURE))
    page.wait_for_url("**run=*", timeout=LONG_MS)
    expect(page.get_by_text("How far must the meaning shift")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_role("tab", name="Filmstrip")).to_be_visible(timeout=LONG_MS)
    compared = re.compile(r"^Trial \d of .*10 trials\. (Found again as it is|Stored magnitude)")
    expect(page.get_by_text(compared)).to_be_visible()
    assert complaints.messages == []


def test_what_fools_what_tests_on_the_other_classifier_and_says_what_is_missing(
    world: World, page: Page, complaints
):
    page.goto(world.address("view=What+fools+what"))
    wait_until_ready(page)
    button = page.get_by_role("button", name="Test them", exact=True)
    button.click(timeout=LONG_MS)  # the worker says what there is to test once it has started
    chart = page.locator(".js-plotly-plot")
    expect(chart.get_by_text("Found against", exact=True).first).to_be_visible(timeout=LONG_MS)
    expect(button).to_have_count(0)
    # What is tested by then is shown meanwhile.
    expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(0, timeout=LONG_MS)
    matrix = pd.read_csv(downloaded(page, "Transfer as CSV"))
    crossed = matrix[~matrix["by_construction"]]
    assert len(crossed) == 4 and (crossed["unasked"] == 0).all() and (crossed["n"] > 0).all()
    for part, text in (("Labels", "all targets"), ("Layers", "conv-2")):
        page.get_by_role("radio", name=part, exact=True).click()
        expect(chart.get_by_text(text).first).to_be_visible()
        expect(page).to_have_url(re.compile(f"fools={part}"))
    page.get_by_role("radio", name="People", exact=True).click()
    expect(
        page.get_by_text("No picture of this experiment was shown at a randomised")
    ).to_be_visible()
    assert complaints.messages == []
