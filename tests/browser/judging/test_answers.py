"""What becomes of an answer: timed, stored before the next image comes, undone, gone on from.

The robot that presses the keys is synthetic, and so is every judgement here.
"""

from __future__ import annotations

import re
from contextlib import closing

from playwright.sync_api import Browser, expect

from data.database import immediate, open_database
from data.home import Home
from tests.browser.label_session import (
    A_WHILE_MS,
    open_page,
    press,
    sha256,
    shown,
    stored_answers,
    wait_for_judgements,
    wait_for_task,
    wait_until_judgeable,
)

# --- Undo -----------------------------------------------------------------------------------------


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


# --- Time -----------------------------------------------------------------------------------------


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


# --- Stored before shown, and what happens when it cannot be --------------------------------------


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


# --- Coming back, and the end ---------------------------------------------------------------------


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
