"""The Maps page: a plane computed, looked at, regrown and judged; maps that others published."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from playwright.sync_api import Page, expect

from app import api
from app.runner.request import SearchRequest
from app.widgets.banner import MARKER
from data.database import open_database
from data.home import Home
from data.labellers import labeller_of
from data.maps import stored_maps
from data.studies import items, studies
from labelling.answers import Answer
from labelling.queue import next_task, record
from labelling.stages import agree, start
from labelling.studies import invite
from tests.browser.conftest import App, Complaints, downloaded, wait_until_drawn, wait_until_ready


def found_a_perturbation(home: Path) -> None:
    """One search of a seven, whose perturbation becomes an axis."""
    request = SearchRequest(
        "mnist-conv", "mnist-standard", "seven", seed=4, search="minimum-norm", budget=60
    )
    assert api.search(request, home)["outcome"] == "found"


def on_the_map(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where a place of the first panel is on the screen."""
    wait_until_drawn(page)
    wait_until_drawn(page)
    return tuple(
        page.evaluate(
            """([x, y]) => {
              const chart = document.querySelector('.js-plotly-plot');
              const { xaxis, yaxis } = chart._fullLayout;
              const frame = chart.getBoundingClientRect();
              return [frame.left + xaxis._offset + xaxis.d2p(x),
                      frame.top + yaxis._offset + yaxis.d2p(y)];
            }""",
            [x, y],
        )
    )


def drawn(page: Page) -> set[str]:
    """The names of what the chart shows."""
    plot = "document.querySelector('.js-plotly-plot')"
    return set(page.evaluate(f"() => {plot}.data.map(trace => trace.name)"))


def downloaded_csv(page: Page, button: str) -> pd.DataFrame:
    """The table that a button's file holds."""
    return pd.read_csv(downloaded(page, button))


def judged_left_of(home: Path, study_id: str, boundary: float) -> None:
    """A person who no longer sees the label right of a boundary (synthetic judgements)."""
    (home / MARKER).touch()
    with closing(open_database(Home(home), durable=True)) as database:
        place = {one.id: one.details["u"][0] for one in items(database, study_id)}
        person = labeller_of(database, invite(database, study_id, "synthetic")).id
        agree(database, person)
        start(database, person)
        while (task := next_task(database, person)) is not None:
            sees = task.side == "source" or place[task.item_id] < boundary
            answer = Answer.LABEL if sees else Answer.SOMETHING_ELSE
            assert record(database, person, task.item_id, task.side, answer)


def test_a_plane_is_computed_looked_at_regrown_and_judged(
    own_app: App,
    page: Page,
    complaints: Complaints,
    screenshot: Callable[[Page, str], list[Path]],
) -> None:
    page.set_viewport_size({"width": 1280, "height": 1200})  # the whole map is in view
    page.goto(f"{own_app.url}/maps")
    expect(page.get_by_text("There is no map yet.")).to_be_visible()
    expect(page.get_by_text("A perturbation plane needs a perturbation")).to_be_visible()
    screenshot(page, "maps-empty")

    found_a_perturbation(own_app.home)
    page.reload()
    points = page.get_by_role("spinbutton", name="Points along an axis")
    points.fill("41")
    points.press("Enter")
    page.get_by_role("button", name="Compute", exact=True).click()
    chart = page.locator(".js-plotly-plot").first
    expect(chart).to_be_visible(timeout=90_000)
    expect(page).to_have_url(re.compile(r"map=[0-9a-f]{10}"))
    expect(page.get_by_text("41 × 41 points, 1681 asked")).to_be_visible()
    wait_until_ready(page)

    # Hovering shows the thumbnail, a click the picture with what each classifier says.
    x, y = on_the_map(page, 0.75, 0.5)
    page.mouse.move(x, y, steps=5)
    expect(page.locator(".card")).to_be_visible()
    page.mouse.click(x, y)
    expect(page.get_by_text(re.compile(r"^Picture at 0\.7\d+, 0\.\d+$"))).to_be_visible()
    expect(page.locator(".st-key-map-picture img")).to_be_visible(timeout=60_000)
    expect(page.get_by_text(re.compile(r"seven 0\.\d{3}")).first).to_be_visible()
    expect(page).to_have_url(re.compile(r"u=0\.7"))

    # The start follows a drag: it is drawn where it is, on every panel, and its regions are grown
    # there while it is held. The address has it once it is let go.
    boxes = """() => JSON.stringify(
        document.querySelector('.js-plotly-plot').data
            .filter((trace) => trace.name === 'robust region').map(({ x, y }) => [x, y]))"""
    before = page.evaluate(boxes)
    page.mouse.move(*on_the_map(page, 0, 0))
    page.mouse.down()
    page.mouse.move(*on_the_map(page, 0.7, 1.1), steps=5)
    ghosts = page.locator(".ghost")
    expect(ghosts).to_have_count(2)
    held = ghosts.first.bounding_box()
    x, y = on_the_map(page, 0.7, 1.1)
    assert abs(held["x"] + held["width"] / 2 - x) < 1.5
    assert abs(held["y"] + held["height"] / 2 - y) < 1.5
    page.wait_for_function(f"before => ({boxes})() !== before", arg=before)
    assert "starts=" not in page.url
    before = page.evaluate(boxes)
    page.mouse.move(*on_the_map(page, 1.35, 1.35), steps=5)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"starts=1\.3\d*(%2C|,)1\.3"))
    page.wait_for_function(f"before => ({boxes})() !== before", arg=before)
    wait_until_ready(page)
    expect(ghosts).to_have_count(0)

    # Growth is a slider over the updates, with a button that plays them.
    page.get_by_text("Growth", exact=True).click()
    expect(page.get_by_text("Grow", exact=True)).to_be_visible()
    wait_until_ready(page)
    page.get_by_text("Grow", exact=True).click()
    page.get_by_text("Growth", exact=True).click()
    wait_until_ready(page)
    page.get_by_text("Difference", exact=True).click()
    expect(page.get_by_text("difference of scores")).to_be_visible()
    page.get_by_text("Difference", exact=True).click()
    expect(page.get_by_text("difference of scores")).to_be_hidden()
    wait_until_ready(page)

    # People judge pictures all over the plane; their surface is drawn over the scores.
    page.get_by_role("button", name="Have this plane judged").click()
    page.get_by_role("button", name="Make the study").click()
    expect(page.get_by_text("The study is made")).to_be_visible(timeout=60_000)
    with closing(open_database(Home(own_app.home))) as database:
        [study] = studies(database)
        assert len(items(database, study.id)) == 40
    judged_left_of(own_app.home, study.id, 0.8)
    page.reload()
    expect(page.get_by_text(re.compile(r"through 4\d judged pictures"))).to_be_visible()
    expect(page.locator(".js-plotly-plot .heatmaplayer").first).to_be_visible()
    assert {"classifier fails, people agree", "people answer: the label", "something else"} <= (
        drawn(page)
    )
    expect(page.get_by_text("A picture shows the label by the majority")).to_be_visible()
    chart = page.locator(".js-plotly-plot")
    expect(chart.get_by_text("SYNTHETIC JUDGEMENTS")).to_be_visible()
    wait_until_ready(page)
    screenshot(page, "maps-plane")

    # The source is a judged picture: beside it stands what people said of it.
    page.mouse.click(*on_the_map(page, 0.01, -0.01))
    expect(page.get_by_text("Picture at 0, 0", exact=True)).to_be_visible()
    expect(page.get_by_text("1 of 1 person still sees the label")).to_be_visible(timeout=60_000)

    # The rule is chosen as on Results; it stands in the figure and in every file.
    page.get_by_role("button", name="Judging rule").click()
    page.get_by_text("Unanimous", exact=True).click()
    expect(page.get_by_text("A picture shows the label by all labellers")).to_be_visible()
    page.keyboard.press("Escape")
    wait_until_ready(page)
    judgements = downloaded_csv(page, "Judgements as CSV")
    assert len(judgements) > 40 and set(judgements["judgement"]) == {"agree", "disagree", "missing"}
    judgements = judgements[
        judgements["asked"] > 0
    ]  # what the search found, nobody was asked about
    assert set(judgements["judgement"]) == {"agree", "disagree"}
    assert set(judgements["answer"]) == {"label", "something else"}
    assert (judgements["yes"] == (judgements["answer"] == "label")).all()
    assert (judgements["u 1"] < 0.8).equals(judgements["answer"] == "label")
    shares = downloaded_csv(page, "Failing shares as CSV")
    assert list(shares["classifier"]) == ["mnist-standard", "mnist-robust"]
    assert shares["fails while people agree"].between(shares["low"], shares["high"]).all()
    for table in (judgements, shares):
        assert table["rule"].str.startswith("all labellers who answered").all()
        assert table["synthetic_judgements"].all()

    # Growth plays with people's surface in place.
    page.get_by_text("Growth", exact=True).click()
    expect(page.get_by_text("Grow", exact=True)).to_be_visible()
    wait_until_ready(page)
    page.get_by_text("Grow", exact=True).click()
    page.wait_for_timeout(500)  # some of it plays
    expect(page.locator(".js-plotly-plot .imagelayer image")).to_have_count(4)
    assert {"classifier fails, people agree", "half of the people agree"} <= drawn(page)
    screenshot(page, "maps-people-growth")

    # All of it is in the address.
    wait_until_ready(page)
    page.goto(page.url)
    expect(page.get_by_text("Grow", exact=True)).to_be_visible()
    expect(page.get_by_text("A picture shows the label by all labellers")).to_be_visible()
    page.get_by_text("Growth", exact=True).click()
    wait_until_ready(page)
    page.get_by_text("Difference", exact=True).click()
    expect(page.get_by_text("difference of scores")).to_be_visible()
    expect(page).to_have_url(re.compile("difference=True"))
    page.goto(page.url)
    expect(page.get_by_text("difference of scores")).to_be_visible()
    page.get_by_text("Difference", exact=True).click()
    wait_until_ready(page)
    assert len(downloaded_csv(page, "Scores as CSV")) == 2 * 41 * 41
    assert complaints.messages == []


def test_published_maps_are_imported_averaged_and_measured(
    own_app: App,
    page: Page,
    complaints: Complaints,
    screenshot: Callable[[Page, str], list[Path]],
) -> None:
    """Archives in the published form, made here: a hill of score, of three widths."""
    azimuth, elevation = np.arange(0, 360, 3), np.arange(-10, 90, 3)
    hills = {
        f"AlexNet_3_{number}": np.exp(
            -(((azimuth[None, :] - 130) / width) ** 2) - ((elevation[:, None] - 30) / 40) ** 2
        ).astype(np.float32)
        for number, width in ((1, 60), (2, 120), (3, 90))
    }
    file = BytesIO()
    np.savez(file, **hills)
    page.goto(f"{own_app.url}/maps")
    page.get_by_text("Import maps").click()
    page.locator("input[type=file]").first.set_input_files(
        {"name": "maps.npz", "mimeType": "application/zip", "buffer": file.getvalue()}
    )
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.locator(".js-plotly-plot")).to_have_count(1)
    expect(page.get_by_text("This map came as scores alone")).to_be_visible()
    with closing(open_database(Home(own_app.home))) as database:
        ids = [one.id for one in stored_maps(database)]
    assert len(ids) == 3
    page.goto(f"{own_app.url}/maps?map={ids[0]}&map={ids[1]}&method=oir_b")
    expect(page.get_by_text("2 maps of class 3")).to_be_visible()
    wait_until_ready(page)
    # SRVR: of three maps, by the paper's average, then by one method from other starts.
    page.get_by_text("SRVR against accuracy").click()
    page.get_by_role("button", name="All of this space").click()
    expect(
        page.get_by_text("by the paper's average of its three, T 800, starts: usual")
    ).to_be_visible()
    [average] = downloaded_csv(page, "SRVR as CSV").to_dict("records")
    assert (average["maps"], average["regions"]) == (3, 3 * 4 * 3)
    assert 0 < average["low"] <= average["srvr"] <= average["high"] < 1
    page.get_by_role("combobox", name="Method").click()
    page.get_by_role("option", name="OIR black box").click()
    wait_until_ready(page)  # a choice that overtakes the address of the one before undoes it
    page.get_by_role("radio", name="a grid").click()
    wait_until_ready(page)
    steps = page.get_by_role("spinbutton", name="T", exact=True).last
    steps.fill("200")
    steps.press("Enter")
    told = page.get_by_text("by OIR black box, T 200, starts: 3 along an axis")
    expect(told).to_be_visible()
    screenshot(page, "maps-published")
    wait_until_ready(page)
    page.goto(page.url)  # the link alone restores the table
    expect(told).to_be_visible(timeout=60_000)
    wait_until_ready(page)
    [alone] = downloaded_csv(page, "SRVR as CSV").to_dict("records")
    told = {name: alone[name] for name in ("method", "T", "starts", "maps", "regions")}
    assert told == {
        "method": "oir_b",
        "T": 200,
        "starts": "3 along an axis",
        "maps": 3,
        "regions": 3 * 9,
    }
    assert 0 <= alone["feasible"] <= 1 and alone["srvr"] != average["srvr"]
    page.get_by_role("button", name="Class-global map").click()
    expect(page.get_by_text("Class-global map of 2 maps, class 3").first).to_be_visible()
    with closing(open_database(Home(own_app.home))) as database:
        assert stored_maps(database)[0].origin == "averaged"
    assert complaints.messages == []
