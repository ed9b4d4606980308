"""Pictures of every size on screens of every size: whole multiples upwards, smooth downwards."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from app.widgets.judge import data_address

WIDGETS = Path(__file__).resolve().parents[2] / "app" / "widgets"

PLACE_PICTURES = """(addresses) => {
    const panels = [...document.querySelectorAll(".panel")];
    return Promise.all(panels.map((panel, index) => {
        const image = new Image();
        image.src = addresses[index];
        panel.querySelector(".stage").replaceChildren(image);
        panel.querySelector(".options").innerHTML =
            '<button class="option"><kbd>1</kbd>Text</button>'.repeat(4);
        return image.decode();
    })).then(() => fit(document.querySelector(".judge"), panels));
}"""


def picture(width: int, height: int) -> str:
    pixels = np.random.default_rng(width).integers(0, 255, (height, width), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return data_address(file.getvalue())


def fitted(page: Page, width: int, height: int) -> list[dict[str, float]]:
    """The boxes of both pictures."""
    html = (WIDGETS / "judge.html").read_text()
    css = (WIDGETS / "judge.css").read_text()
    page.set_content(f"<style>body {{ margin: 1rem }} {css}</style>{html}")
    page.add_script_tag(content=(WIDGETS / "judge_fit.js").read_text())
    page.evaluate("document.querySelector('.judge').classList.add('ready')")
    page.evaluate(PLACE_PICTURES, [picture(width, height)] * 2)
    return [image.bounding_box() for image in page.locator(".stage img").all()]


def stacked(page: Page) -> bool:
    return page.viewport_size["width"] < 600


@pytest.fixture
def screen(browser: Browser):
    contexts = []

    def open_screen(width: int, height: int, ratio: float) -> Page:
        contexts.append(
            browser.new_context(
                viewport={"width": width, "height": height}, device_scale_factor=ratio
            )
        )
        return contexts[-1].new_page()

    yield open_screen
    for context in contexts:
        context.close()


@pytest.mark.parametrize(
    ("picture_size", "window", "ratio", "at_least"),
    [
        ((28, 28), (1280, 720), 1, 10),
        ((28, 28), (1280, 800), 1, 13),
        ((28, 28), (1280, 800), 1.25, 15),
        ((28, 28), (1920, 1080), 1, 16),
        ((28, 28), (390, 780), 3, 12),
        ((128, 128), (1280, 800), 1, 2),
        ((128, 128), (1280, 800), 1.5, 4),
        ((100, 60), (1920, 1080), 1, 4),
        ((300, 300), (1280, 800), 1, 1),
        ((256, 256), (1920, 1080), 2, 3),
        ((512, 512), (1920, 1080), 1, 1),
    ],
)
def test_upwards_a_pixel_becomes_a_whole_number_of_screen_pixels(
    screen, picture_size, window, ratio, at_least
):
    page = screen(*window, ratio)
    boxes = fitted(page, *picture_size)
    for box in boxes:
        scale = box["width"] * ratio / picture_size[0]
        assert scale == pytest.approx(round(scale), abs=0.01)
        assert round(scale) >= at_least
        assert box["height"] * ratio == pytest.approx(scale * picture_size[1], abs=0.05)
        for place in (box["x"], box["y"]):
            assert place * ratio == pytest.approx(round(place * ratio), abs=0.02)
    assert boxes[0]["width"] == pytest.approx(boxes[1]["width"], abs=0.01)
    assert boxes[0]["y"] == pytest.approx(boxes[1]["y"], abs=0.01) or stacked(page)
    expect(page.locator(".stage img").first).to_have_css("image-rendering", "pixelated")


@pytest.mark.parametrize(
    ("picture_size", "window"),
    [((512, 512), (1280, 720)), ((1024, 768), (1280, 800)), ((512, 512), (390, 780))],
)
def test_downwards_it_is_smooth_and_all_of_it_is_in_sight(screen, picture_size, window):
    page = screen(*window, 1)
    boxes = fitted(page, *picture_size)
    for box in boxes:
        assert box["width"] < picture_size[0]
        shape = picture_size[0] / picture_size[1]
        assert box["width"] / box["height"] == pytest.approx(shape, rel=0.01)
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= window[0]
    expect(page.locator(".stage img").first).to_have_css("image-rendering", "auto")
    if window[0] > 800:
        last = page.locator(".option").last.bounding_box()
        assert last["y"] + last["height"] <= window[1]


def test_at_400_percent_the_place_and_the_buttons_do_not_lie_over_each_other(screen):
    page = screen(320, 256, 4)
    fitted(page, 28, 28)
    for selector, text in [
        (".count", "Practice: 10 of 12"),
        (".pace", "About 12 minutes left"),
        (".undo span", "Undo"),
        (".comment-open", "Comment"),
    ]:
        page.locator(selector).evaluate("(it, text) => { it.textContent = text }", text)
    place, tools = (page.locator(part).bounding_box() for part in (".place", ".tools"))
    beside = place["x"] + place["width"] <= tools["x"]
    assert beside or tools["y"] + tools["height"] <= place["y"]
    assert tools["x"] >= 0


def test_frames_keep_their_size_whatever_the_picture(screen):
    """28, 100 and 128 pixels one after the other: what stands below moves by less than a step."""
    page = screen(1920, 1080, 1)
    tops = []
    for size in (28, 100, 128):
        fitted(page, size, size)
        tops.append(page.locator(".option").first.bounding_box()["y"])
    assert max(tops) - min(tops) <= 1
