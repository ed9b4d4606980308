"""From the information sheet to the debrief, as one labeller meets it. The robot is synthetic."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from contextlib import closing

import pytest
from playwright.sync_api import Browser, Page, expect

from data.assignments import COUNTED, assign, assignments_of
from data.judgements import judgements
from data.labellers import labeller_of
from data.studies import items
from labelling.options import StudyOptions
from labelling.queue import next_task
from labelling.stages import Stage, stage
from labelling.studies import invite
from labelling.wording import ENGLISH
from tests.browser.conftest import App, wait_until_ready
from tests.browser.label_session import (
    QUICK,
    LabelSession,
    join,
    make_study,
    open_page,
    press,
    shown,
    wait_for_judgements,
    wait_for_task,
    wait_until_judgeable,
)
from tests.labelling.synthetic_study import at_once

WHOLE = StudyOptions(
    information_sheet=True,
    information="You will look at **pictures**. We keep your answers.",
    instruction_page=True,
    instructions="Say what you see.",
    debrief="It was about harbours.",
    purpose_question=True,
    practice_items=2,
    qualification=0.5,
    break_every=5,
    exposure_ms=100,
)


@pytest.fixture
def begin(app: App):
    """`begin(options, trials=…)` makes a study and a labeller of this test alone."""
    opened: list[LabelSession] = []

    def make(options: StudyOptions, *, trials: int = 2, gold: int = 0) -> LabelSession:
        name = f"course {len(opened)}"
        study = make_study(app.home, trials=trials, name=name, options=options, gold=gold)
        opened.append(join(app.url, app.home, study))
        return opened[-1]

    yield make
    for session in opened:
        session.database.close()


def stage_now(session: LabelSession) -> Stage:
    return stage(session.database, session.labeller_id)


def events(session: LabelSession) -> dict[str, str | None]:
    """What the labeller did besides judging."""
    return dict(
        session.database.execute(
            "SELECT kind, text FROM labeller_events WHERE labeller_id = ?", [session.labeller_id]
        ).fetchall()
    )


def study_of(session: LabelSession) -> str:
    (study_id,) = session.database.execute(
        "SELECT study_id FROM labellers WHERE id = ?", [session.labeller_id]
    ).fetchone()
    return study_id


def give_to_another(
    session: LabelSession, item_ids: Iterable[int], *, lease_expires: float | None
) -> None:
    """Somebody else has done those items; with a lease, holds them."""
    database, study_id = session.database, study_of(session)
    other = labeller_of(database, invite(database, study_id, "robot (synthetic)"))
    for place, item_id in enumerate(item_ids, start=1):
        assign(
            database,
            study_id=study_id,
            labeller_id=other.id,
            item_id=item_id,
            round=COUNTED,
            place=place,
            lease_expires=lease_expires,
        )


def agree(page: Page) -> None:
    go_on = page.get_by_role("button", name="Go on")
    expect(go_on).to_be_disabled()
    page.get_by_text("I have read this and agree").click()
    go_on.click()
    expect(page.get_by_role("heading", name="What to do")).to_be_visible()


def start(page: Page, session: LabelSession) -> None:
    page.get_by_role("button", name="Start").click()
    expect(page.locator(".judge.ready")).to_be_visible()
    wait_for_task(page, session)
    wait_until_judgeable(page)


def test_the_whole_course(
    page: Page,
    begin,
    browser: Browser,
    complaints,
    screenshot: Callable[..., object],
):
    session = begin(WHOLE, gold=2)
    page.goto(session.address)
    expect(page.get_by_role("heading", name="About this study")).to_be_visible()
    expect(page.get_by_text("We keep your answers.")).to_be_visible()
    screenshot(page, "label-information")
    assert next_task(session.database, session.labeller_id) is None
    agree(page)
    assert set(events(session)) == {"consented"}
    screenshot(page, "label-instructions")

    # Another device goes on where this one is.
    context = browser.new_context(viewport={"width": 390, "height": 780})
    phone = context.new_page()
    phone.goto(session.address)
    expect(phone.get_by_role("heading", name="What to do")).to_be_visible()
    context.close()

    start(page, session)
    expect(page.locator(".count")).to_have_text("Practice: 1 of 2")
    press(page, session, "1")
    expect(page.locator(".count")).to_have_text("Practice: 2 of 2")
    press(page, session, "1")
    expect(page.locator(".count")).to_have_text("1 of 8")
    assert stage_now(session) is Stage.JUDGING

    breaks = 0
    while (task := session.task()) is not None:
        before = len(session.stored())
        page.keyboard.press("1")
        wait_for_judgements(page, session, before + 1)
        following = session.task()
        if following is not None and following.rest and following.number != task.number:
            breaks += 1
            expect(page.get_by_role("heading", name="Time for a short break")).to_be_visible()
            expect(page.get_by_text("You have done 5 of 8.")).to_be_visible()
            screenshot(page, "label-break")
            for key in "1234":
                page.keyboard.press(key)
                page.wait_for_timeout(120)
            assert len(session.stored()) == before + 1
        wait_for_task(page, session)
        wait_until_judgeable(page)
    assert breaks == 1

    expect(page.get_by_role("heading", name="One last question")).to_be_visible()
    expect(page.get_by_text("harbours")).to_have_count(0)
    screenshot(page, "label-purpose")
    hostile = "To look at <i>old</i> maps'); DROP TABLE judgements; --"
    page.get_by_role("textbox").fill(hostile)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Please write it in plain words.")).to_be_visible()
    expect(page.get_by_role("textbox")).to_have_value(hostile)
    assert "purpose" not in events(session)
    page.get_by_role("textbox").fill("To look at <old> maps'); --")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    expect(page.get_by_text("It was about harbours.")).to_be_visible()
    expect(page.get_by_test_id("stCode")).to_have_text(re.compile("^[0-9A-F]{8}$"))
    assert events(session)["purpose"] == "To look at <old> maps'); --"
    screenshot(page, "label-end")
    assert complaints.messages == []


def test_too_few_right_in_the_practice_ends_politely_and_without_a_code(page: Page, begin):
    session = begin(at_once(practice_items=2, qualification=1.0, exposure_ms=100), gold=2)
    open_page(page, session)
    for key in "22":
        press(page, session, key)
    expect(page.get_by_text("There are no further images for you")).to_be_visible()
    expect(page.get_by_test_id("stCode")).to_have_count(0)
    page.reload()
    expect(page.get_by_text("There are no further images for you")).to_be_visible()


def test_who_withdraws_is_asked_once_more_and_then_leaves_every_result(page: Page, begin):
    session = begin(QUICK)
    open_page(page, session)
    press(page, session, "2")
    on_show = shown(page, "left")
    for decision in ("Back to the study", "Withdraw"):
        page.keyboard.press("?")
        page.get_by_role("button", name="Withdraw from the study").click()
        expect(page.get_by_role("heading", name="Withdraw from the study?")).to_be_visible()
        page.get_by_role("button", name=decision, exact=True).click()
        if decision != "Withdraw":
            wait_for_task(page, session)
            assert shown(page, "left") == on_show
    expect(page.get_by_role("heading", name="You have withdrawn")).to_be_visible()
    assert session.stored() == []
    kept = judgements(session.database, labeller_id=session.labeller_id, superseded=True)
    assert len(kept) == 1
    page.reload()
    expect(page.get_by_role("heading", name="You have withdrawn")).to_be_visible()


def test_while_others_hold_what_is_left_one_may_look_again(page: Page, begin, app: App):
    first = begin(at_once(overlap=1, exposure_ms=100), trials=1)
    assert first.task() is not None  # whoever has an item on the screen holds the next one too
    second = join(app.url, app.home, study_of(first))
    with closing(second.database):
        open_page(page, second)
        while second.task() is not None:
            press(page, second, "1")
        expect(page.get_by_role("heading", name="Nothing to do at the moment")).to_be_visible()
        page.reload()
        expect(page.get_by_role("heading", name="Nothing to do at the moment")).to_be_visible()
        wait_until_ready(page)
        first.database.execute("UPDATE assignments SET lease_expires = 0 WHERE lease_expires > 0")
        page.get_by_role("button", name="Look again").click()
        expect(page.locator(".judge.ready")).to_be_visible()


@pytest.mark.parametrize("taken", ["the item on the screen", "the one ahead", "both", "all"])
def test_what_others_have_taken_meanwhile_is_said_and_never_judged_by_mistake(
    page: Page, begin, app: App, taken: str
):
    """The one ahead is loaded already: what comes in its place is another image."""
    session = begin(at_once(overlap=1, exposure_ms=100), trials=3)
    open_page(page, session)
    task = session.task()
    gone = {
        "the item on the screen": [task.item_id],
        "the one ahead": [task.ahead[0]],
        "both": [task.item_id, task.ahead[0]],
        "all": [item.id for item in items(session.database, study_of(session))],
    }[taken]
    session.database.execute("UPDATE assignments SET lease_expires = 0 WHERE lease_expires > 0")
    give_to_another(session, gone, lease_expires=None)
    page.keyboard.press("2")
    if taken == "the one ahead":
        wait_for_judgements(page, session, 1)
        expect(page.get_by_text(ENGLISH.too_late)).to_have_count(0)
    else:
        expect(page.get_by_text(ENGLISH.too_late)).to_be_visible()
        assert session.stored() == []
        log = (app.home / "logs" / "app.log").read_text()
        assert f"answer of labeller {session.labeller_id} came too late" in log
    if taken == "all":
        expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
        return
    wait_for_task(page, session)
    wait_until_judgeable(page)
    asked = session.task()
    assert asked.item_id not in gone
    judgement = press(page, session, "3")
    assert (judgement.item_id, judgement.stimulus) == (asked.item_id, asked.source_stimulus)


@pytest.mark.parametrize("where", [Stage.LATER, Stage.PURPOSE, Stage.END])
def test_the_last_answer_is_undone_from_the_screen_that_follows_it(
    page: Page, begin, screenshot: Callable[..., object], where: Stage
):
    options = at_once(overlap=1, exposure_ms=100, purpose_question=where is Stage.PURPOSE)
    session = begin(options, trials=1)
    open_page(page, session)
    if where is Stage.LATER:
        held = {one.item_id for one in assignments_of(session.database, session.labeller_id)}
        free = [one.id for one in items(session.database, study_of(session)) if one.id not in held]
        give_to_another(session, free[:1], lease_expires=time.time() + 3600)
    while session.task() is not None:
        press(page, session, "1")
    assert stage_now(session) is where
    count, last = len(session.stored()), session.stored()[-1]
    screenshot(page, f"label-undo-{where}")
    page.get_by_role("button", name="Undo my last answer").click()
    wait_for_judgements(page, session, count - 1)
    wait_for_task(page, session)
    assert shown(page, "right") == last.stimulus
    wait_until_judgeable(page)
    assert press(page, session, "4").supersedes == last.id
    assert stage_now(session) is where
    if where is Stage.PURPOSE:
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
        expect(page.get_by_role("button", name="Undo my last answer")).to_have_count(0)


def test_a_consent_that_cannot_be_stored_is_not_taken_as_given(page: Page, begin):
    session = begin(WHOLE, gold=2)
    page.goto(session.address)
    session.database.execute(
        "CREATE TRIGGER out_of_order BEFORE INSERT ON labeller_events"
        f" WHEN NEW.labeller_id = {session.labeller_id} BEGIN SELECT RAISE(ABORT, 'no'); END"
    )
    page.get_by_text("I have read this and agree").click()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("This could not be saved.")).to_be_visible()
    expect(page.get_by_role("heading", name="About this study")).to_be_visible()
    assert stage_now(session) is Stage.INFORMATION
    session.database.execute("DROP TRIGGER out_of_order")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="What to do")).to_be_visible()
