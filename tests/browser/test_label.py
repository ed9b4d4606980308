"""Judging in a real browser: one press is one judgement, of the image that is on the screen.

The robot that presses the keys is synthetic, and so is every judgement here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from data.database import immediate, open_database
from data.home import Home
from labelling.answers import options
from tests.browser.conftest import App
from tests.browser.label_session import (
    LabelSession,
    assert_each_answers_what_was_on_the_screen,
    hold,
    image,
    join,
    make_study,
    open_page,
    press,
    roll,
    shown,
    storm,
    tap_twice,
    wait_for_judgements,
    wait_for_task,
    wait_until_judgeable,
    watch_presses,
)

#: Longer than the chosen answer shows and a press is ignored, together.
A_WHILE_MS = 900


@pytest.fixture(scope="module")
def study_id(app: App) -> str:
    return make_study(app.home, trials=16)


@pytest.fixture
def session(app: App, study_id: str) -> Iterator[LabelSession]:
    """A labeller of this test alone."""
    session = join(app.url, app.home, study_id)
    with closing(session.database):
        yield session


@pytest.fixture
def label_page(page: Page, session: LabelSession) -> Page:
    open_page(page, session)
    return page


def stored_answers(session: LabelSession) -> list[int]:
    return [judgement.answer for judgement in session.stored()]


# --- The panels --------------------------------------------------------------------------------


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


def test_the_answer_given_on_the_left_stays_in_sight(label_page, session):
    press(label_page, session, "1")
    left = label_page.get_by_role("group", name="Image on the left", exact=True)
    pressed = left.get_by_role("button", pressed=True)
    expect(pressed).to_have_text("1" + options(session.task().phrase)[0])
    for button in left.get_by_role("button").all():
        expect(button).to_be_disabled()


def test_the_four_sentences_are_the_papers_with_the_labels_phrase(label_page, session):
    buttons = label_page.locator(".panel.asked").get_by_role("button")
    sentences = options(session.task().phrase)
    expect(buttons).to_have_text([f"{key}{text}" for key, text in enumerate(sentences, start=1)])


def test_buttons_can_be_clicked(label_page, session):
    label_page.get_by_role("button", name="It is unclear what this image shows").first.click()
    wait_for_judgements(label_page, session, 1)
    assert stored_answers(session) == [3]


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


# --- One press, one judgement ------------------------------------------------------------------


def test_a_held_key_records_one_judgement(label_page, session):
    """Repeats come fast, but the first of them half a second after the press."""
    hold(label_page, "2", [500, *[30] * 20])
    wait_for_judgements(label_page, session, 1)
    label_page.wait_for_timeout(A_WHILE_MS)
    assert stored_answers(session) == [2]


def test_a_held_key_whose_repeats_are_not_marked_records_one_judgement(label_page, session):
    """Some systems send a held key as fresh presses; nobody presses a key 30 times a second."""
    label_page.evaluate(
        """async () => {
            for (let i = 0; i < 40; i++) {
                for (const type of ["keydown", "keyup"]) document.body.dispatchEvent(
                    new KeyboardEvent(type, { key: "2", code: "Digit2", bubbles: true }));
                await new Promise((resolve) => setTimeout(resolve, 30));
            }
        }"""
    )
    wait_for_judgements(label_page, session, 1)
    assert stored_answers(session) == [2]


@pytest.mark.parametrize("key", ["Enter", " "])
def test_holding_enter_or_space_on_a_button_records_at_most_one(label_page, session, key):
    label_page.locator(".panel.asked").get_by_role("button").nth(2).focus()
    hold(label_page, key, [30] * 30)
    wait_for_judgements(label_page, session, 1)
    label_page.wait_for_timeout(A_WHILE_MS)
    assert stored_answers(session) == [3]


def test_rolled_keys_record_the_first_only(label_page, session):
    """1 → 2 without releasing 1: the 2 was not meant for an image that came in between."""
    for count, overlap_ms in enumerate([5, 200, 700], start=1):
        roll(label_page, "3", "2", overlap_ms)
        wait_for_judgements(label_page, session, count)
        label_page.wait_for_timeout(A_WHILE_MS)
        assert stored_answers(session) == [3] * count
    assert press(label_page, session, "4").answer == 4


def test_a_double_tap_records_once(label_page, session):
    for count, gap_ms in enumerate([0, 100, 220], start=1):
        tap_twice(label_page, "2", gap_ms)
        wait_for_judgements(label_page, session, count)
        label_page.wait_for_timeout(A_WHILE_MS)
        assert stored_answers(session) == [2] * count


def test_a_double_click_records_once(label_page, session):
    label_page.locator(".panel.asked").get_by_role("button").nth(1).dblclick(delay=20)
    wait_for_judgements(label_page, session, 1)
    label_page.wait_for_timeout(A_WHILE_MS)
    assert stored_answers(session) == [2]


def test_under_a_storm_of_keys_every_judgement_is_of_the_image_that_was_on_the_screen(
    label_page, session
):
    """Keys at random moments, some held over others. The page notes what each press saw."""
    watch_presses(label_page)
    storm(label_page, session, presses=40, seed=0)
    label_page.wait_for_timeout(A_WHILE_MS)
    assert_each_answers_what_was_on_the_screen(label_page, session, at_least=5)


def test_an_old_window_cannot_answer_what_another_one_has_answered(
    label_page, session, browser: Browser
):
    context = browser.new_context()
    other = context.new_page()
    open_page(other, session)
    press(other, session, "2")
    label_page.keyboard.press("3")
    wait_for_task(label_page, session)
    assert stored_answers(session) == [2]
    wait_until_judgeable(label_page)
    assert press(label_page, session, "4").answer == 4
    context.close()


# --- Help, other keys --------------------------------------------------------------------------


def test_keys_are_dead_while_help_is_open(label_page, session):
    label_page.keyboard.press("?")
    expect(label_page.get_by_role("dialog")).to_be_visible()
    for key in "1234":
        label_page.keyboard.press(key)
        label_page.wait_for_timeout(150)
    assert stored_answers(session) == []
    label_page.keyboard.press("Escape")
    expect(label_page.get_by_role("dialog")).to_be_hidden()
    assert press(label_page, session, "2").answer == 2


def test_other_keys_judge_nothing(label_page, session):
    for key in ["5", "0", "a", "Control+1", "Alt+2", "Meta+3", "Tab"]:
        label_page.keyboard.press(key)
        wait_until_judgeable(label_page)
    assert stored_answers(session) == []


def test_the_number_pad_and_a_french_keyboard_judge_too(label_page, session):
    press(label_page, session, "Numpad2")
    label_page.evaluate(
        """() => document.body.dispatchEvent(
            new KeyboardEvent("keydown", { key: "\\"", code: "Digit3", bubbles: true }))"""
    )
    wait_for_judgements(label_page, session, 2)
    assert stored_answers(session) == [2, 3]


# --- Stored before shown, and what happens when it cannot be -----------------------------------


def test_the_next_image_waits_until_the_judgement_is_on_the_disk(label_page, session, app):
    on_show = shown(label_page, "left")
    with closing(open_database(Home(app.home))) as blocker, immediate(blocker):
        label_page.keyboard.press("2")
        label_page.wait_for_timeout(700)
        label_page.keyboard.press("3")
        label_page.wait_for_timeout(700)
        assert stored_answers(session) == []
        assert shown(label_page, "left") == on_show
        expect(label_page.get_by_role("button", pressed=True)).to_contain_text("something else")
    wait_for_judgements(label_page, session, 1)
    wait_for_task(label_page, session)
    assert shown(label_page, "left") != on_show
    assert stored_answers(session) == [2]


def test_an_answer_that_cannot_be_stored_stays_on_the_screen_with_one_sentence(
    label_page, session, app
):
    on_show = shown(label_page, "left")
    with closing(open_database(Home(app.home))) as database:
        database.execute(
            "CREATE TRIGGER out_of_order BEFORE INSERT ON judgements"
            f" WHEN NEW.labeller_id = {session.labeller_id}"
            " BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        label_page.keyboard.press("2")
        expect(label_page.get_by_role("alert")).to_have_text(
            "Your answer could not be saved. Please choose it again in a moment."
        )
        assert shown(label_page, "left") == on_show
        expect(label_page.get_by_role("button", pressed=True)).to_have_count(1)
        database.execute("DROP TRIGGER out_of_order")
    wait_until_judgeable(label_page)
    judgement = press(label_page, session, "2")
    assert judgement.stimulus == on_show
    expect(label_page.get_by_role("alert")).to_have_text("")


# --- Coming back, and the end ------------------------------------------------------------------


def test_a_reload_or_another_device_goes_on_where_one_stopped(
    label_page, session, browser: Browser
):
    for key in "2141":
        press(label_page, session, key)
    count = label_page.locator(".count").inner_text()
    label_page.reload()
    wait_for_task(label_page, session)
    expect(label_page.locator(".count")).to_have_text(count)
    context = browser.new_context(viewport={"width": 390, "height": 780}, has_touch=True)
    phone = context.new_page()
    open_page(phone, session)
    wait_for_task(phone, session)
    expect(phone.locator(".count")).to_have_text(count)
    context.close()


def test_the_end_thanks_and_shows_a_code(page, app):
    session = join(app.url, app.home, make_study(app.home, trials=1, name="short"))
    open_page(page, session)
    while session.task() is not None:
        press(page, session, "1")
    expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    expect(page.get_by_test_id("stCode")).to_have_text(re.compile("^[0-9A-F]{8}$"))
    page.reload()
    expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    session.database.close()


# --- How it looks ------------------------------------------------------------------------------


@pytest.mark.parametrize("ratio", [1, 1.25, 2])
def test_pixels_are_whole_and_both_images_are_of_one_size(browser: Browser, session, ratio):
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


def test_nothing_jumps_from_one_task_to_the_next(label_page, session):
    places = []
    for key in "1321":
        places.append(image(label_page, "left").bounding_box())
        press(label_page, session, key)
    assert places == [places[0]] * len(places)


def test_there_is_nothing_but_the_task(label_page, complaints):
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


def test_pictures_of_the_page(
    label_page, session, screenshot: Callable[[Page, str], list[Path]], browser: Browser
):
    """Empty of assertions about taste, but each state has to come up."""
    screenshot(label_page, "label-left")
    press(label_page, session, "1")
    screenshot(label_page, "label-right")
    label_page.keyboard.press("?")
    expect(label_page.get_by_role("dialog")).to_be_visible()
    screenshot(label_page, "label-help")
