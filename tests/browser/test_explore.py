"""Explore in a real browser: run to fooled, stop, reload, kill and restart, two at once."""

from __future__ import annotations

import json
import os
import re
import signal
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import psutil
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from app.pages.explore import FRAME_SECONDS
from app.runner.lock import worker_process
from data.database import open_database
from data.experiments import conditions, experiment
from data.home import home
from data.images import image_file
from data.jobs import job
from data.results import result, source
from tests.app.processes import until
from tests.browser.conftest import App, Complaints, downloaded, running_app, wait_until_ready

#: Fooled within a second or two.
SHORT = "/?label=seven&seed=3&schedule=imagenet"
#: Another search, whose finds lie between no two bounds.
MINIMUM_NORM = "/?label=seven&seed=3&search=minimum-norm&budget=60"
#: The paper's schedule for MNIST: seconds to half a minute.
LONG = "/?classifier=mnist-robust&label=seven&seed=42"
#: The course of every picture that the stage shows, kept in the page.
RECORD_PICTURES = """
() => {
  const hosts = [...document.querySelectorAll('*')].map((one) => one.shadowRoot).filter(Boolean);
  const perturbed = hosts.map((root) => root.querySelectorAll('.stage img')[1]).find(Boolean);
  const places = new Set();
  window.frames_seen = [];
  window.places_seen = places;
  const look = () => {
    const box = perturbed.getBoundingClientRect();
    if (!perturbed.hidden) places.add([box.x, box.y, box.width, box.height].map(Math.round).join());
  };
  new MutationObserver(() => {
    window.frames_seen.push([performance.now(), perturbed.src]);
    look();
  }).observe(perturbed, { attributes: true, attributeFilter: ['src'] });
}
"""


def run_id(page: Page) -> str:
    return parse_qs(urlparse(page.url).query)["run"][0]


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def state(page: Page, text: str | re.Pattern[str]) -> None:
    expect(page.locator(".state")).to_have_text(text)


def searching(page: Page) -> None:
    """The search is on its way: the figures name a step."""
    expect(page.locator(".line")).to_have_text(re.compile(r"[1-9]\d* of \d+ steps"))
    state(page, "Searching")


def started(page: Page) -> str:
    """Press Run; the id of the run, which the address names at once."""
    press(page, "Run")
    page.wait_for_url(re.compile(r"[?&]run="))
    return run_id(page)


def steps(page: Page) -> int:
    found = re.match(r"(\d+) of", page.locator(".line").inner_text())
    assert found
    return int(found[1])


def test_a_search_runs_to_fooled_and_everything_of_it_can_be_taken_away(
    visit: Callable[[str], Page], complaints: Complaints, app: App
) -> None:
    page = visit(SHORT)
    state(page, "Nothing has run yet")
    run = started(page)
    state(page, re.compile(r"Fooled at magnitude \d"))

    expect(page.locator(".guesses.before li")).to_have_count(5)
    expect(page.locator(".guesses.after li")).to_have_count(5)
    expect(page.locator(".guesses.before li").first).to_contain_text("seven")
    expect(page.locator(".guesses.after li").first).not_to_contain_text("seven")
    expect(page.get_by_text("Margin, and magnitude under its bound")).to_be_visible()
    expect(page.get_by_text("Magnitude at each point")).to_be_visible()
    # What is seen is not yet stored: that comes with what can be done after a run.
    expect(page.get_by_role("button", name="Save", exact=True)).to_be_visible()

    database = open_database(home(app.home))
    experiment_id = job(database, run).experiment_id
    [condition] = conditions(database, experiment_id)
    stored = result(database, condition.id, 0)

    with zipfile.ZipFile(downloaded(page, "PNG pair")) as archive:
        place = home(app.home)
        for name, sha256 in (
            ("source.png", source(database, stored.source_id).stimulus),
            ("perturbed.png", stored.stimulus),
        ):
            assert archive.read(name) == image_file(place, sha256).read_bytes()
    with Image.open(downloaded(page, "GIF")) as animation:
        assert animation.n_frames == min(stored.steps + 1, 64)
        assert animation.size == (280, 280)
    told = json.loads(downloaded(page, "JSON").read_text())
    assert told["search"]["magnitude"] == stored.magnitude
    assert told["definition"]["seed"] == 3
    assert len(told["strengths"]) == 31
    assert complaints.messages == []


def test_the_strength_slider_predicts_as_it_moves(visit: Callable[[str], Page]) -> None:
    page = visit(SHORT)
    started(page)
    slider = page.get_by_role("slider", name="Strength of the perturbation")
    expect(slider).to_have_value("20")
    expect(page.locator(".verdict")).to_have_text(re.compile(r": fooled\.$"))
    slider.press("Home")
    expect(page.locator(".value")).to_have_text("Strength 0.00")
    expect(page.locator(".verdict")).to_have_text("The classifier sees a seven: not fooled.")
    slider.press("End")
    expect(page.locator(".value")).to_have_text("Strength 1.50")
    expect(page.get_by_text(re.compile(r"Fooled \(shaded\) at strengths"))).to_be_visible()


def pictures_as_they_come(page: Page, count: int) -> list[tuple[float, str]]:
    """The next perturbed pictures of a search, each with the page's time in milliseconds."""
    page.evaluate(RECORD_PICTURES)
    page.wait_for_function("(count) => window.frames_seen.length >= count", arg=count)
    return [(at, address) for at, address in page.evaluate("() => window.frames_seen")]


def test_the_picture_moves_and_stays_in_its_place(visit: Callable[[str], Page]) -> None:
    """Twice a second where the machine can: `tests/soak/test_explore_live.py` has the seconds."""
    assert FRAME_SECONDS <= 0.5
    page = visit(LONG)
    started(page)
    searching(page)
    frames = pictures_as_they_come(page, 8)
    assert len({address for _, address in frames}) == len(frames)
    assert len(page.evaluate("() => [...window.places_seen]")) == 1
    press(page, "Stop")
    state(page, "Stopped")


def test_stop_stops_and_the_controls_are_locked_only_while_it_runs(
    visit: Callable[[str], Page], app: App
) -> None:
    page = visit(LONG)
    run = started(page)
    searching(page)
    for name in ("Run", "Draw", "All"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_disabled()
    expect(page.get_by_role("combobox", name="Label")).to_be_disabled()
    press(page, "Stop")
    state(page, "Stopped")
    assert job(open_database(home(app.home)), run).state == "stopped"
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_enabled()
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_disabled()
    page.get_by_role("tab", name="Filmstrip").click()
    expect(page.locator(".filmstrip img").first).to_be_visible()


def test_a_reload_and_another_tab_find_the_run_and_its_choices(
    visit: Callable[[str], Page], app: App
) -> None:
    page = visit(LONG + "&points=z,conv-1:0.5")
    run = started(page)
    searching(page)
    before = steps(page)
    page.reload()
    searching(page)
    assert run_id(page) == run
    assert steps(page) >= before
    other = page.context.new_page()
    other.goto(f"{app.url}/?run={run}")
    searching(other)
    expect(other.get_by_role("spinbutton", name="Seed")).to_have_value("42")
    lit = other.locator(".point[aria-pressed=true] .name")
    expect(lit).to_have_text(["z", "conv-1"])
    expect(other.locator(".weight")).to_have_text("×0.5")
    press(other, "Stop")
    state(page, "Stopped")
    state(other, "Stopped")


def test_two_people_run_at_once_and_see_only_their_own(app: App, browser: Browser) -> None:
    pages = []
    for seed in (42, 43):
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.goto(f"{app.url}/?classifier=mnist-robust&label=seven&seed={seed}")
        wait_until_ready(page)
        pages.append(page)
    runs = [started(page) for page in pages]
    for page in pages:
        searching(page)
    before = [steps(page) for page in pages]
    for page, step in zip(pages, before, strict=True):
        page.wait_for_function(
            "(step) => [...document.querySelectorAll('*')].map((one) => one.shadowRoot)"
            ".filter(Boolean).some((root) => root.querySelector('.line')"
            " && parseInt(root.querySelector('.line').textContent) > step)",
            arg=step,
        )
    pictures = {page.locator(".stage img").first.get_attribute("src") for page in pages}
    assert len(pictures) == 2
    assert runs == [run_id(page) for page in pages]
    press(pages[0], "Stop")
    state(pages[0], "Stopped")
    state(pages[1], "Searching")
    press(pages[1], "Stop")
    state(pages[1], "Stopped")
    for page in pages:
        page.context.close()


def test_a_server_that_is_killed_loses_nothing(tmp_path: Path, page: Page) -> None:
    folder = tmp_path / "home"
    with running_app(folder) as first:
        page.goto(first.url + LONG)
        wait_until_ready(page)
        run = started(page)
        searching(page)
        os.kill(_server_of(first), signal.SIGKILL)
    with running_app(folder) as second:
        page.goto(f"{second.url}/?run={run}")
        searching(page)
        press(page, "Stop")
        state(page, "Stopped")


def test_a_worker_that_is_killed_is_replaced_and_the_search_goes_on(
    own_app: App, page: Page
) -> None:
    page.goto(own_app.url + LONG)
    wait_until_ready(page)
    started(page)
    searching(page)
    killed = worker_process(home(own_app.home), "cpu")
    os.kill(killed, signal.SIGKILL)
    until(lambda: worker_process(home(own_app.home), "cpu") not in (None, killed))
    searching(page)
    press(page, "Stop")
    state(page, "Stopped")


def test_points_are_chosen_in_the_chain_and_kept_in_the_address(
    visit: Callable[[str], Page],
) -> None:
    page = visit("/")
    expect(page.locator(".point[aria-pressed=true]")).to_have_count(7)
    page.get_by_role("button", name="First", exact=True).click()
    page.wait_for_url(re.compile("points=first"))
    expect(page.locator(".point[aria-pressed=true] .name")).to_have_text(
        ["z", "fc-64", "conv-1", "conv-2"]
    )
    page.locator(".point", has_text="fc-64").click()
    page.wait_for_url(re.compile("points=z%2Cconv-1%2Cconv-2|points=z,conv-1,conv-2"))
    wait_until_ready(page)
    page.go_back()
    expect(page.locator(".point[aria-pressed=true]")).to_have_count(4)


def test_without_a_point_it_says_what_to_choose(visit: Callable[[str], Page]) -> None:
    page = visit("/?points=z")
    page.locator(".point").first.click()
    expect(page.locator(".point[aria-pressed=true]")).to_have_count(0)
    press(page, "Run")
    expect(page.get_by_text("At least one point needs a layer weight above 0")).to_be_visible()


@pytest.mark.parametrize("address", ["/?run=nothere", "/?run=../x", "/?label=hat&seed=-1&points=q"])
def test_an_address_that_makes_no_sense_leads_to_a_page_that_works(
    visit: Callable[[str], Page], complaints: Complaints, address: str
) -> None:
    page = visit(address)
    state(page, "Nothing has run yet")
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_enabled()
    assert complaints.messages == []


def test_a_label_among_a_thousand_is_found_by_typing_a_part_of_its_name(
    visit: Callable[[str], Page],
) -> None:
    page = visit("/?generator=biggan-deep-128")
    for box, typed, label in (
        ("Label", "komodo", "Komodo dragon"),
        ("Target", "crane", "crane bird"),
    ):
        field = page.get_by_role("combobox", name=re.compile(box))
        field.click()
        field.press_sequentially(typed)
        options = page.get_by_role("option")
        expect(options.filter(has_text=label).first).to_be_visible()
        assert 1 <= options.count() < 50
        options.filter(has_text=label).first.click()
    page.wait_for_url(re.compile("label=Komodo"))
    page.wait_for_url(re.compile("target=crane.bird"))


@pytest.mark.parametrize(
    ("generator", "classifier"),
    [("mnist-conv", "resnet50"), ("biggan-deep-128", "mnist-standard")],
)
def test_a_pair_that_cannot_be_is_not_offered_and_refused_from_an_address(
    visit: Callable[[str], Page], generator: str, classifier: str
) -> None:
    page = visit(f"/?generator={generator}&classifier={classifier}")
    refusal = page.get_by_text(f"{classifier} does not tell apart the labels of {generator}; these")
    expect(refusal).to_be_visible()
    field = page.get_by_role("combobox", name=re.compile("Classifier"))
    field.click()
    options = page.get_by_role("option")
    expect(options.first).to_be_visible()
    offered = options.all_inner_texts()
    assert offered
    assert classifier not in offered
    said = refusal.inner_text()
    assert all(one in said for one in offered)
    options.last.click()
    expect(refusal).to_have_count(0)


def test_a_saved_run_is_kept_and_listed_and_opens_again(
    app: App, visit: Callable[[str], Page]
) -> None:
    page = visit(f"{MINIMUM_NORM}&precision=float64")
    run = started(page)
    state(page, re.compile(r"Fooled at magnitude \d"))
    page.get_by_role("tab", name="Details").click()
    bounds = page.get_by_text(re.compile(r"^[\d.]+, the smallest found in a ball of"))
    expect(bounds).to_be_visible()
    press(page, "Save")
    expect(page.get_by_role("button", name="Saved", exact=True)).to_be_disabled()
    with closing(open_database(home(app.home))) as database:
        pinned = database.query(
            "SELECT pinned FROM perturbations JOIN results ON perturbations.id = perturbation"
            " JOIN conditions ON conditions.id = condition_id"
            " JOIN jobs ON jobs.experiment_id = conditions.experiment_id WHERE jobs.id = ?",
            [run],
        )
        assert [row["pinned"] for row in pinned] == [1]
    page.get_by_role("button", name="Permalink").click()
    permalink = page.get_by_text(re.compile(rf"^http.*run={run}$")).inner_text()
    page = visit("/")
    page.get_by_role("button", name="Saved runs").click()
    page.get_by_role("button", name=re.compile("seven → any other, mnist-standard")).click()
    page.wait_for_url(re.compile(run))
    state(page, re.compile(r"Fooled at magnitude \d"))
    page.goto("about:blank")
    page.goto(permalink)
    state(page, re.compile(r"Fooled at magnitude \d"))
    expect(page.get_by_role("spinbutton", name="Seed")).to_have_value("3")
    expect(page.get_by_role("combobox", name=re.compile("Precision"))).to_have_value("float64")
    expect(page).to_have_url(re.compile("precision=float64"))


def test_its_four_states_and_what_others_say_of_what_it_found(
    visit: Callable[[str], Page], screenshot: Callable[[Page, str], list[Path]]
) -> None:
    page = visit("/")
    screenshot(page, "explore-empty")
    page = visit(LONG)
    started(page)
    searching(page)
    screenshot(page, "explore-running")
    press(page, "Stop")
    state(page, "Stopped")
    page = visit(SHORT)
    started(page)
    state(page, re.compile("Fooled"))
    screenshot(page, "explore-done")
    page.get_by_role("tab", name="Points").click()
    expect(page.get_by_text("Without it", exact=True)).to_be_visible()
    expect(page.locator(".by-point img")).to_have_count(2 * 7)
    page.locator(".by-point").scroll_into_view_if_needed()
    screenshot(page, "explore-points")
    page.get_by_role("tab", name="Transfer").click()
    expect(page.get_by_text("The 8-bit picture that was found for")).to_be_visible()
    screenshot(page, "explore-transfer")


def _server_of(app: App) -> int:
    """The process that listens on the app's port: Streamlit, or the `serve` it belongs to."""
    port = urlparse(app.url).port
    for connection in psutil.net_connections("tcp"):
        if connection.laddr.port == port and connection.status == psutil.CONN_LISTEN:
            return connection.pid
    raise AssertionError(f"Nothing listens on port {port}.")


def test_what_was_typed_last_is_what_runs(visit: Callable[[str], Page], app: App) -> None:
    """Run is pressed straight from the field, before the page has heard of what was typed there."""
    page = visit(SHORT)
    page.get_by_role("spinbutton", name="Seed").fill("8")
    run = started(page)
    database = open_database(home(app.home))
    stored = experiment(database, job(database, run).experiment_id)
    assert stored.definition["seed"] == 8
