"""Maps of what no generator draws: views of meshes, and photos, by a real ImageNet classifier."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.__main__ import main
from data.database import open_database
from data.home import Home
from data.maps import map_content, stored_maps
from engine.maps import SemanticMap, from_bytes
from tests.browser.conftest import (
    ROOT,
    App,
    Complaints,
    running_app,
    wait_until_drawn,
    wait_until_ready,
)

SHARED = ROOT.parent / "shared" / "data"
WEIGHTS = SHARED / "models" / "squeezenet1_1_imagenet_fp16.safetensors"
VOLCANO = SHARED / "photos" / "n09472597_volcano.JPEG"
#: A tetrahedron, the smallest mesh there is.
TETRAHEDRON = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n"
LIMIT = 32 * 2**20


def with_squeezenet(home: Path) -> None:
    """A user adds an entry, and imports its weights."""
    assert main(["models", "list", "--home", str(home)]) == 0  # makes the home
    shutil.copy(ROOT / "tests" / "engine" / "user_models" / "squeezenet.py", home / "models")
    assert main(["models", "import", "squeezenet", str(WEIGHTS), "--home", str(home)]) == 0


def newest(home: Path) -> tuple[str, SemanticMap]:
    """The name and scores of the map that was made last."""
    with closing(open_database(Home(home))) as database:
        stored = stored_maps(database)[0]
        return stored.name, from_bytes(map_content(database, stored.id))


def chosen(page: Page, space: str) -> None:
    """Unfold the form for a new map, and choose its space."""
    form = page.locator("details", has_text="New map")
    expect(form).to_be_visible(timeout=60_000)
    wait_until_ready(page)
    if form.get_attribute("open") is None:
        form.locator("summary").click()
    form.get_by_role("radio", name=space).click()


def computed(page: Page, usual: str, points: str, told: str) -> None:
    """Compute the map that stands in the form, and wait until it is drawn.

    `usual` is how many points the form offers by itself, once it has all that was chosen.
    """
    field = page.get_by_role("spinbutton", name="Points along an axis")
    expect(field).to_have_value(usual)
    field.fill(points)
    field.press("Enter")
    wait_until_ready(page)
    page.get_by_role("button", name="Compute", exact=True).first.click()
    expect(page.get_by_text(told).first).to_be_visible(timeout=90_000)
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    wait_until_ready(page)


def clicked(page: Page) -> None:
    """A click in the middle of the map, which asks for the picture and the top five there."""
    page.locator(".js-plotly-plot").first.scroll_into_view_if_needed()
    wait_until_drawn(page)
    box = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.52, box["y"] + box["height"] * 0.48)
    expect(page.get_by_text(re.compile(r"^Picture at "))).to_be_visible()
    expect(page.locator(".st-key-map-picture img")).to_be_visible(timeout=60_000)
    lines = page.get_by_test_id("stCaptionContainer").filter(has_text=re.compile(r" \d\.\d{3}"))
    expect(lines.first).to_have_text(re.compile(r"(\d\.\d{3}.*){5}", re.DOTALL))
    assert len(re.findall(r"\d\.\d{3}", lines.first.inner_text())) == 5


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An app to whose home a user has added SqueezeNet."""
    if not WEIGHTS.exists():
        pytest.skip("the weights lie in ../shared, which is not here")
    home = tmp_path_factory.mktemp("seeing") / "home"
    with_squeezenet(home)
    with running_app(home) as app:
        yield app


@pytest.fixture
def new_map(seeing: App, page: Page) -> Callable[[str], Page]:
    """Opens the form for a new map of a space."""

    def open_form(space: str) -> Page:
        page.set_viewport_size({"width": 1280, "height": 1200})
        page.goto(f"{seeing.url}/maps")
        chosen(page, space)
        return page

    return open_form


def test_a_machine_without_such_a_classifier_is_told_how_to_get_one(
    visit: Callable[[str], Page],
) -> None:
    page = visit("/maps")
    chosen(page, "Transformations")
    page.get_by_role("radio", name="a photo").click()
    told = page.get_by_text("models add torchvision:squeezenet1_1")
    expect(told).to_be_visible()
    expect(page.get_by_role("button", name="Compute", exact=True)).to_be_hidden()
    chosen(page, "Components")
    expect(told).to_be_hidden()
    chosen(page, "Viewpoint")
    expect(told).to_be_visible()
    expect(page.get_by_role("button", name="Compute", exact=True)).to_be_hidden()


def test_views_of_a_mesh_that_ships(
    seeing: App,
    new_map: Callable[[str], Page],
    complaints: Complaints,
    screenshot: Callable[[Page, str], list[Path]],
) -> None:
    page = new_map("Viewpoint")
    page.get_by_role("combobox", name="Mesh").click()
    page.get_by_role("option", name="mug.ply").click()
    # Its class is chosen, and so is the classifier that can see it.
    label = page.get_by_role("combobox", name="Label", exact=True)
    expect(label).to_have_value("coffee mug")
    expect(page.get_by_text("squeezenet", exact=True).first).to_be_visible()
    computed(page, "24", "7", "7 × 7 points, 49 asked")
    name, found = newest(seeing.home)
    assert name == "coffee mug: azimuth × elevation"
    assert (found.description.label, found.scores.shape) == (504, (1, 7, 7))
    assert found.scores.max() > 0.3 > found.scores.min()
    clicked(page)
    screenshot(page, "maps-viewpoint")
    assert complaints.messages == []


def test_a_photo_is_turned(
    seeing: App, new_map: Callable[[str], Page], complaints: Complaints, tmp_path: Path
) -> None:
    page = new_map("Transformations")
    page.get_by_role("radio", name="a photo").click()
    page.get_by_role("button", name="Remove scale").click()
    damaged = tmp_path / "damaged.jpg"
    damaged.write_bytes(VOLCANO.read_bytes()[:5000])
    page.locator("input[type=file]").last.set_input_files(damaged)
    expect(page.get_by_text("damaged.jpg cannot be read as a picture")).to_be_visible()
    page.locator("input[type=file]").last.set_input_files(VOLCANO)
    label = page.get_by_role("combobox", name="Label", exact=True)
    label.fill("volcano")
    page.get_by_role("option", name="volcano", exact=True).click()
    computed(page, "200", "13", "13 points, 13 asked")
    name, found = newest(seeing.home)
    assert name == "volcano: rotation"
    assert found.scores[0].argmax() == 6  # upright
    assert found.scores.max() > 0.5 > 0.1 > found.scores.min()
    clicked(page)
    # A chart follows the theme, with nothing else pressed.
    for scheme, colour in (("dark", "#181818"), ("light", "#ffffff")):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(
            "([chart, colour]) =>"
            " document.querySelector(chart)?._fullLayout?.paper_bgcolor === colour",
            arg=[".js-plotly-plot", colour],
        )
    assert complaints.messages == []


def test_a_mesh_of_ones_own_may_have_what_the_page_says_and_no_more(
    seeing: App, new_map: Callable[[str], Page], complaints: Complaints, tmp_path: Path
) -> None:
    page = new_map("Viewpoint")
    files = {}
    for name, size in (("large", LIMIT - 1000), ("larger", LIMIT + 60_000)):
        files[name] = tmp_path / f"{name}.obj"
        line = "#" + "-" * 98 + "\n"
        text = TETRAHEDRON + line * ((size - len(TETRAHEDRON)) // len(line))
        files[name].write_text(text)
    upload = page.locator("input[type=file]").last
    upload.set_input_files(files["larger"])
    expect(page.get_by_text("larger.obj has 32.1 MB, and up to 32 MB can be taken")).to_be_visible()
    page.locator("input[type=file]").last.set_input_files(files["large"])
    expect(page.get_by_text("Choose the label that the scores are of.")).to_be_visible(
        timeout=60_000
    )
    page.get_by_role("combobox", name="Label", exact=True).fill("tent")
    page.get_by_role("option", name="mountain tent", exact=True).click()
    computed(page, "24", "2", "2 × 2 points, 4 asked")
    assert newest(seeing.home)[0] == "mountain tent: azimuth × elevation"
    clicked(page)
    assert complaints.messages == []
