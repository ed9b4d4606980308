"""Judging in a real browser: one press is one judgement, of the image that is on the screen.

The robot that presses the keys is synthetic, and so is every judgement here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from data.database import immediate, open_database
from data.home import Home
from labelling.answers import options
from labelling.wording import ENGLISH
from tests.browser.conftest import App
from tests.browser.label_session import (
    A_WHILE_MS,
    LabelSession,
    assert_each_answers_what_was_on_the_screen,
    double_click,
    hold,
    image,
    join,
    let_rest,
    make_study,
    open_page,
    press,
    roll,
    sha256,
    shown,
    storm,
    tap,
    wait_for_judgements,
    wait_for_task,
    wait_until_judgeable,
    watch_presses,
)
from tests.labelling.synthetic_study import at_once

#: Judgements under a storm of keys.
STORM = 50


@pytest.fixture(scope="module")
def study_id(app: App) -> str:
    return make_study(app.home, trials=16)


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One for all: each test has a labeller of its own, and Streamlit's files are read once."""
    with closing(browser.new_context(viewport={"width": 1280, "height": 800})) as context:
        yield context


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


# --- One press, one judgement ------------------------------------------------------------------


def test_a_held_key_records_one_judgement(label_page, session):
    """Repeats come fast, but the first of them half a second after the press."""
    hold(label_page, "2", [500, *[30] * 20])
    wait_for_judgements(label_page, session, 1)
    let_rest(label_page)
    assert stored_answers(session) == [2]


def test_a_held_key_whose_repeats_are_not_marked_records_one_judgement(label_page, session):
    """Some systems send a held key as fresh presses; nobody presses a key 30 times a second."""
    tap(label_page, "2", times=40, gap_ms=30)
    wait_for_judgements(label_page, session, 1)
    let_rest(label_page)
    assert stored_answers(session) == [2]


@pytest.mark.parametrize("key", ["Enter", " "])
def test_holding_enter_or_space_on_a_button_records_at_most_one(label_page, session, key):
    label_page.locator(".panel.asked").get_by_role("button").nth(2).focus()
    hold(label_page, key, [30] * 30)
    wait_for_judgements(label_page, session, 1)
    let_rest(label_page)
    assert stored_answers(session) == [3]


def test_rolled_keys_record_the_first_only(label_page, session):
    """1 → 2 without releasing 1: the 2 was not meant for an image that came in between."""
    for count, overlap_ms in enumerate([5, 200, 700], start=1):
        roll(label_page, "3", "2", overlap_ms)
        wait_for_judgements(label_page, session, count)
        let_rest(label_page)
        assert stored_answers(session) == [3] * count
    assert press(label_page, session, "4").answer == 4


def test_a_double_tap_records_once(label_page, session):
    for count, gap_ms in enumerate([0, 100, 220], start=1):
        tap(label_page, "2", times=2, gap_ms=gap_ms)
        wait_for_judgements(label_page, session, count)
        let_rest(label_page)
        assert stored_answers(session) == [2] * count


def test_a_click_records_once_and_so_does_a_double_click(label_page, session):
    label_page.get_by_role("button", name="It is unclear what this image shows").first.click()
    wait_for_judgements(label_page, session, 1)
    let_rest(label_page)
    for count, gap_ms in enumerate([0, 100, 220], start=2):
        double_click(label_page, 2, gap_ms)
        wait_for_judgements(label_page, session, count)
        let_rest(label_page)
        assert stored_answers(session) == [3] + [2] * (count - 1)


def test_under_a_storm_of_keys_every_judgement_is_of_the_image_that_was_on_the_screen(page, app):
    """Keys at random moments, some held over others. The page notes what each press saw.

    A tenth of the judgements of `make soak`, and a shorter exposure: more of the keys count.
    """
    study = make_study(app.home, trials=STORM, name="storm", options=at_once(exposure_ms=20))
    session = join(app.url, app.home, study)
    with closing(session.database):
        open_page(page, session)
        watch_presses(page)
        for seed in range(100):
            storm(page, session, presses=20, seed=seed)
            if len(session.stored()) >= STORM:
                break
        let_rest(page)
        assert_each_answers_what_was_on_the_screen(page, session, at_least=STORM)


def test_keys_are_dead_and_look_it_until_the_image_has_been_there_long_enough(label_page, session):
    """The page itself presses, before the time is over, and does not even send what it refuses."""
    label_page.evaluate(
        """() => {
            const root = document.querySelector("[data-testid=stBidiComponentIsolated]").shadowRoot;
            const digit = root.querySelector(".panel.asked kbd");
            window.early = [];
            new MutationObserver(() => {
                const digit = root.querySelector(".panel.asked .option kbd");
                if (!digit || window.early.length) return;
                // A busy page hears late of a press: made 90 of 100 ms after the image came.
                const made = { value: performance.now() + 90 };
                setTimeout(() => {
                    window.early.push(getComputedStyle(digit).opacity);
                    for (const type of ["keydown", "keyup"]) document.body.dispatchEvent(
                        Object.defineProperty(new KeyboardEvent(
                            type, { key: "4", code: "Digit4", bubbles: true }), "timeStamp", made));
                }, 90);
            }).observe(root.querySelector(".options"), { childList: true });
        }"""
    )
    press(label_page, session, "2")
    let_rest(label_page)
    assert label_page.evaluate("window.early") == ["0.3"]
    assert stored_answers(session) == [2]
    expect(label_page.locator(".notice")).to_have_text("")  # what the server refuses is said
    digit = label_page.locator(".panel.asked .option kbd").first
    expect(digit).to_have_css("opacity", "1")


def test_clicks_faster_than_the_network_record_once(label_page, session, app):
    """While the first answer waits for the database, all buttons are tried."""
    with closing(open_database(Home(app.home))) as blocker, immediate(blocker):
        for button in label_page.locator(".panel.asked .option").all():
            button.click(force=True)
        for key in "4321":
            label_page.keyboard.press(key)
            label_page.wait_for_timeout(120)
    wait_for_judgements(label_page, session, 1)
    let_rest(label_page)
    assert stored_answers(session) == [1]


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


#: A component's module loads, as by a slow line, when the test says so.
SLOW_MODULES = """
const address = URL.createObjectURL;
window.mayLoad = new Promise((go) => { window.load = go; });
URL.createObjectURL = (file) => address.call(URL, file.type !== "text/javascript" ? file : new Blob(
    ["await window.mayLoad;", file], { type: file.type }));
"""


def test_keys_count_on_a_page_that_was_told_anew_while_it_was_loading(page: Page, session):
    page.add_init_script(SLOW_MODULES)
    page.goto(session.address)
    expect(page.locator(".judge:not(.ready)")).to_be_attached()
    page.emulate_media(color_scheme="dark")  # Streamlit calls the module once more
    expect(page.get_by_test_id("stApp")).to_have_css("color-scheme", "dark")
    expect(page.locator(".judge:not(.ready)")).to_be_attached()
    page.evaluate("window.load()")
    expect(page.locator(".judge.ready")).to_be_visible()
    wait_until_judgeable(page)
    assert press(page, session, "2").answer == 2


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


def test_keys_are_dead_while_a_comment_is_written_and_the_comment_is_kept(label_page, session):
    label_page.get_by_role("button", name="Comment").click()
    field = label_page.get_by_role("textbox", name="Your comment")
    field.press_sequentially("1 or 2? <3> 4")
    label_page.keyboard.press("Backspace")
    assert field.input_value() == "1 or 2? <3> "
    label_page.get_by_role("button", name="Save").click()
    expect(field).to_be_hidden()
    assert stored_answers(session) == []
    assert session.task().comment == "1 or 2? <3>"
    label_page.reload()
    wait_for_task(label_page, session)
    label_page.get_by_role("button", name="Comment").click()
    expect(field).to_have_value("1 or 2? <3>")
    label_page.get_by_role("button", name="Cancel").click()
    wait_until_judgeable(label_page)
    assert press(label_page, session, "2").answer == 2
    assert session.task().comment is None


def test_a_comment_that_is_too_long_is_refused_and_stays_on_the_screen(label_page, session, app):
    """A million letters; `tests/served/test_attempts_on_pages.py` sends ten, without a browser."""
    label_page.get_by_role("button", name="Comment").click()
    field = label_page.get_by_role("textbox", name="Your comment")
    field.evaluate(
        "(field) => { field.removeAttribute('maxlength'); field.value = 'x'.repeat(1e6) }"
    )
    label_page.get_by_role("button", name="Save").click()
    expect(label_page.locator(".said")).to_contain_text("at most 2000 characters")
    assert len(field.input_value()) == 1_000_000
    assert session.task().comment is None
    assert "was refused: too long" in (app.home / "logs" / "app.log").read_text()


def test_a_comment_that_is_no_plain_words_is_refused_and_stays_in_its_field(label_page, session):
    label_page.get_by_role("button", name="Comment").click()
    field = label_page.get_by_role("textbox", name="Your comment")
    field.fill("a cat <img src=x onerror=alert(1)>")
    label_page.get_by_role("button", name="Save").click()
    expect(label_page.locator(".said")).to_have_text(
        ENGLISH.not_plain.format(found=ENGLISH.holds_markup)
    )
    expect(field).to_have_value("a cat <img src=x onerror=alert(1)>")
    assert session.task().comment is None
    field.fill("a cat < 3 months")
    label_page.get_by_role("button", name="Save").click()
    expect(field).to_be_hidden()
    assert session.task().comment == "a cat < 3 months"


def test_other_keys_judge_nothing_but_the_number_pad_and_french_digits_do(label_page, session):
    for key in ["5", "0", "a", "Control+1", "Alt+2", "Meta+3", "Tab"]:
        label_page.keyboard.press(key)
        wait_until_judgeable(label_page)
    assert stored_answers(session) == []
    press(label_page, session, "Numpad2")
    label_page.evaluate(
        """() => document.body.dispatchEvent(
            new KeyboardEvent("keydown", { key: "\\"", code: "Digit3", bubbles: true }))"""
    )
    wait_for_judgements(label_page, session, 2)
    assert stored_answers(session) == [2, 3]


# --- Undo --------------------------------------------------------------------------------------


def test_the_last_answer_can_be_undone_and_given_anew(label_page, session):
    first = shown(label_page, "left")
    expect(label_page.get_by_role("button", name="Undo")).to_be_disabled()
    press(label_page, session, "2")
    assert shown(label_page, "left") != first
    label_page.keyboard.press("Backspace")
    wait_for_judgements(label_page, session, 0)
    wait_for_task(label_page, session)
    assert shown(label_page, "left") == first
    expect(label_page.get_by_role("button", name="Undo")).to_be_disabled()
    wait_until_judgeable(label_page)
    judgement = press(label_page, session, "4")
    assert (judgement.stimulus, judgement.answer) == (first, 4)
    label_page.get_by_role("button", name="Undo").click()
    wait_for_judgements(label_page, session, 0)
    wait_for_task(label_page, session)
    assert shown(label_page, "left") == first


def test_an_answer_that_has_opened_the_second_image_cannot_be_undone(label_page, session):
    press(label_page, session, "1")
    expect(label_page.get_by_role("button", name="Undo")).to_be_disabled()
    label_page.keyboard.press("Backspace")
    label_page.wait_for_timeout(A_WHILE_MS)
    assert stored_answers(session) == [1]
    press(label_page, session, "2")
    label_page.keyboard.press("Backspace")
    wait_for_judgements(label_page, session, 1)
    wait_for_task(label_page, session)
    assert (session.task().side, stored_answers(session)) == ("perturbed", [1])


# --- Time --------------------------------------------------------------------------------------


def test_time_runs_from_the_painted_image_to_the_press_and_hidden_time_is_kept_apart(
    label_page, session
):
    """The page's own clock brackets what is stored; the tab is hidden for a while."""
    label_page.evaluate(
        """() => {
            const root = document.querySelector("[data-testid=stBidiComponentIsolated]").shadowRoot;
            new MutationObserver(() => { window.inserted = performance.now(); })
                .observe(root.querySelector(".stage"), { childList: true });
            window.addEventListener("keydown", (event) => { window.pressed = event.timeStamp; },
                { capture: true });
            window.hide = (hidden) => {
                Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
                document.dispatchEvent(new Event("visibilitychange"));
            };
        }"""
    )
    press(label_page, session, "2")
    label_page.evaluate("hide(true)")
    label_page.wait_for_timeout(300)
    label_page.evaluate("hide(false)")
    inserted = label_page.evaluate("window.inserted")
    label_page.get_by_role("link", name="Search the web").evaluate(
        "(link) => { link.removeAttribute('href'); link.click(); }"
    )
    judgement = press(label_page, session, "3")
    since_insertion = label_page.evaluate("window.pressed") - inserted
    assert 300 <= judgement.hidden_ms <= judgement.response_ms < since_insertion
    assert judgement.searches == 1
    assert judgement.shown_at < judgement.answered_at
    again = press(label_page, session, "3")
    assert (again.hidden_ms, again.searches) == (0, 0)


def test_the_next_unperturbed_image_is_there_before_it_is_asked(label_page, session):
    """It came with the task before, so that the frame that asks for it need not bring it."""
    came: list[str] = []

    def keep(frame: str | bytes) -> None:
        text = frame.decode("latin-1") if isinstance(frame, bytes) else frame
        came.extend(re.findall(r"data:image/png;base64,[A-Za-z0-9+/=]+", text))

    label_page.on("websocket", lambda socket: socket.on("framereceived", keep))
    label_page.reload()
    wait_for_task(label_page, session)
    wait_until_judgeable(label_page)
    for _ in range(2):
        _, _, following = session.task().ahead
        assert following in map(sha256, came)
        came.clear()
        press(label_page, session, "2")
        assert shown(label_page, "left") == following
        assert following not in map(sha256, came)


# --- Stored before shown, and what happens when it cannot be -----------------------------------


def test_the_browser_keeps_few_images_and_says_which(page, session):
    """Of hundreds of large ones it would fill its memory."""
    held = []

    def note(frame):
        for names in re.findall(rb'"held":\[(.*?)\]', frame):
            held.append(names.count(b",") + bool(names))

    page.on("websocket", lambda socket: socket.on("framesent", note))
    open_page(page, session)
    for _ in range(12):
        press(page, session, "2")
    assert len(held) == 12
    assert max(held) == held[-1] == 8


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


# --- How it looks ------------------------------------------------------------------------------


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
