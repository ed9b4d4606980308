"""One press is one judgement, of the image that is on the screen.

The robot that presses the keys is synthetic, and so is every judgement here.
"""

from __future__ import annotations

from contextlib import closing

import pytest
from playwright.sync_api import Browser, Page, expect

from data.database import immediate, open_database
from data.home import Home
from labelling.wording import ENGLISH
from tests.browser.label_session import (
    assert_each_answers_what_was_on_the_screen,
    double_click,
    hold,
    join,
    let_rest,
    make_study,
    open_page,
    press,
    roll,
    stored_answers,
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


# --- One press, one judgement ---------------------------------------------------------------------


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


# --- Help, other keys -----------------------------------------------------------------------------


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
