"""What a labeller sees: two panels, four answers each, on every screen, and nothing else.

The robot that presses the keys is synthetic, and so is every judgement here.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from labelling.answers import options
from tests.browser.label_session import (
    image,
    join,
    make_study,
    open_page,
    press,
    shown,
    stored_answers,
    wait_for_judgements,
    wait_for_task,
    wait_until_judgeable,
)

# --- The panels -----------------------------------------------------------------------------------


def test_a_key_judges_the_image_on_the_left(label_page, session):
    for key in "2341":
        on_show = shown(label_page, "left")
        judgement = press(label_page, session, key)
        expected = ("source", on_show, int(key))
        assert (judgement.side, judgement.stimulus, judgement.answer) == expected
        assert image(label_page, "right").count() == (key == "1")


def test_the_right_panel_opens_only_after_1_and_then_takes_the_keys(label_page, session):
    right = label_page.get_by_role("group", name="Image on the right", exact=True)
    expect(right.locator("img")).to_have_count(0)
    expect(right.get_by_role("button")).to_have_count(0)
    on_the_left = shown(label_page, "left")
    press(label_page, session, "1")
    assert shown(label_page, "left") == on_the_left
    on_the_right = shown(label_page, "right")
    judgement = press(label_page, session, "3")
    assert (judgement.side, judgement.stimulus, judgement.answer) == ("perturbed", on_the_right, 3)
    expect(right.locator("img")).to_have_count(0)


def test_the_sentences_are_the_papers_and_the_one_given_on_the_left_stays_in_sight(
    label_page, session
):
    buttons = label_page.locator(".panel.asked").get_by_role("button")
    sentences = options(session.task().phrase)
    expect(buttons).to_have_text([f"{key}{text}" for key, text in enumerate(sentences, start=1)])
    press(label_page, session, "1")
    left = label_page.get_by_role("group", name="Image on the left", exact=True)
    pressed = left.get_by_role("button", pressed=True)
    expect(pressed).to_have_text("1" + options(session.task().phrase)[0])
    for button in left.get_by_role("button").all():
        expect(button).to_be_disabled()


def test_a_source_judged_before_is_shown_answered(page, app):
    """After the first round every source is known, so that each item opens on the right."""
    session = join(app.url, app.home, make_study(app.home, trials=2, name="two sources"))
    open_page(page, session)
    for _ in range(4):
        press(page, session, "1")
    task = session.task()
    assert task.side == "perturbed"
    assert shown(page, "left") == task.source_stimulus
    assert shown(page, "right") == task.perturbed_stimulus
    session.database.close()


# --- How it looks ---------------------------------------------------------------------------------


def test_pixels_are_whole_and_both_images_are_of_one_size(browser: Browser, session):
    """On one screen; test_label_fit.py has the others."""
    ratio = 1.25
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, device_scale_factor=ratio
    )
    page = context.new_page()
    open_page(page, session)
    press(page, session, "1")
    boxes = [image(page, side).bounding_box() for side in ("left", "right")]
    for box in boxes:
        scale = box["width"] * ratio / 28
        assert scale == pytest.approx(round(scale), abs=0.01)
        assert scale >= 9
        for place in (box["x"], box["y"]):
            assert place * ratio == pytest.approx(round(place * ratio), abs=0.02)
    sides = [box[side] for box in boxes for side in ("width", "height")]
    assert sides == pytest.approx([sides[0]] * 4, abs=0.01)
    for side in ("left", "right"):
        rendering = image(page, side).evaluate("it => getComputedStyle(it).imageRendering")
        assert rendering == "pixelated"
    context.close()


def test_there_is_nothing_but_the_task_and_nothing_jumps_from_one_to_the_next(
    label_page, session, complaints
):
    label_page.evaluate("document.fonts.ready.then(() => true)")
    press(label_page, session, "2")  # what stands there from now on was placed with the fonts
    places = []
    for key in "1321":
        places.append(image(label_page, "left").bounding_box())
        press(label_page, session, key)
    assert places == [places[0]] * len(places)
    for name in ("stSidebar", "stHeader", "stToolbar", "stMainMenu", "stTopNavLink"):
        expect(label_page.get_by_test_id(name).locator("visible=true")).to_have_count(0)
    expect(label_page).to_have_title("Plainview")
    assert complaints.messages == []


def test_the_image_search_opens_a_new_tab_without_referrer(label_page, session):
    asked = []
    label_page.context.route(
        "https://duckduckgo.com/**",
        lambda route: (asked.append(route.request), route.fulfill(body="results")),
    )
    with label_page.context.expect_page() as opened:
        label_page.get_by_role("link", name="Search the web for images").click()
    opened.value.wait_for_load_state()
    (request,) = asked
    assert request.url.endswith(f"q={session.task().search_term}")
    assert "referer" not in request.all_headers()
    assert opened.value.evaluate("window.opener") is None


def test_a_phone_is_judged_by_touch(browser: Browser, session):
    context = browser.new_context(
        viewport={"width": 390, "height": 780}, device_scale_factor=3, has_touch=True
    )
    page = context.new_page()
    open_page(page, session)
    page.get_by_role("button", name=options(session.task().phrase)[0]).tap()
    wait_for_judgements(page, session, 1)
    wait_for_task(page, session)
    wait_until_judgeable(page)
    left, right = (image(page, side).bounding_box() for side in ("left", "right"))
    assert left["width"] == right["width"]
    assert right["y"] > left["y"] + left["height"]
    page.locator(".panel.asked").get_by_role("button").nth(3).tap()
    wait_for_judgements(page, session, 2)
    assert stored_answers(session) == [1, 4]
    context.close()


@pytest.mark.skipif(
    "PLAINVIEW_SCREENSHOTS" not in os.environ, reason="PLAINVIEW_SCREENSHOTS names no folder"
)
def test_pictures_of_the_page(
    label_page, session, screenshot: Callable[[Page, str], list[Path]], browser: Browser
):
    """Empty of assertions about taste, but each state has to come up."""
    screenshots = screenshot(label_page, "label-left")
    press(label_page, session, "1")
    screenshot(label_page, "label-right")
    label_page.set_viewport_size({"width": 390, "height": 780})
    label_page.wait_for_timeout(200)
    label_page.screenshot(path=screenshots[0].parent / "label-phone-light-390.png")
    label_page.keyboard.press("?")
    expect(label_page.get_by_role("dialog")).to_be_visible()
    screenshot(label_page, "label-help")
