"""A synthetic study in a running app, and what a test reads off a labeller's page."""

from __future__ import annotations

import base64
import hashlib
import random
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page, expect
from sqlite_utils import Database

from data.database import open_database
from data.home import Home
from data.judgements import Judgement, judgements
from data.labellers import labeller_of
from data.results import add_stimulus
from labelling.answers import Answer
from labelling.controls import Gold
from labelling.options import StudyOptions
from labelling.queue import Task, next_task
from labelling.studies import create_study, invite
from tests.browser.conftest import PATIENCE_MS
from tests.labelling.synthetic_study import add_experiment, at_once, label_text, source_picture

#: Robots see at once.
QUICK = at_once(exposure_ms=100)
#: Longer than the chosen answer shows and a press is ignored, together.
A_WHILE_MS = 600
#: Pictures of known answer are other trials than the experiments'.
FIRST_GOLD = 900


@dataclass(frozen=True)
class LabelSession:
    """One invited labeller: the database beside the app, and the link."""

    database: Database
    labeller_id: int
    address: str

    def stored(self) -> list[Judgement]:
        return judgements(self.database, labeller_id=self.labeller_id)

    def task(self) -> Task | None:
        return next_task(self.database, self.labeller_id)


def make_study(
    home: Path,
    *,
    trials: int = 6,
    name: str = "synthetic",
    options: StudyOptions = QUICK,
    gold: int = 0,
    **experiment,
) -> str:
    """A study over a new synthetic experiment; returns its id.

    `gold` pictures of known answer are three, says whoever made them up.
    """
    place = Home(home)
    with closing(open_database(place)) as database:
        experiment_id = add_experiment(database, place, trials=trials, name=name, **experiment)
        known = [
            Gold(add_stimulus(database, place, source_picture(FIRST_GOLD + index)), 3, Answer.LABEL)
            for index in range(gold)
        ]
        return create_study(
            database,
            [experiment_id],
            name,
            label_text=label_text,
            created_by="test",
            options=options,
            gold=known,
        )


def join(url: str, home: Path, study_id: str) -> LabelSession:
    """Invite a new labeller to the study."""
    database = open_database(Home(home))
    token = invite(database, study_id, "robot (synthetic)")
    labeller = labeller_of(database, token)
    return LabelSession(database, labeller.id, f"{url}/?invitation={token}")


def open_page(page: Page, session: LabelSession) -> None:
    """Open the link, agree and start where that is asked, and wait for the first image."""
    page.goto(session.address)
    ready, start = page.locator(".judge.ready"), page.get_by_role("button", name="Start")
    consent = page.get_by_text("I have read this and agree")
    expect(ready.or_(start).or_(consent)).to_be_visible()
    if consent.is_visible():
        consent.click()
        page.get_by_role("button", name="Go on").click()
        expect(ready.or_(start)).to_be_visible()
    if start.is_visible():
        start.click()
    expect(ready).to_be_visible()
    wait_until_judgeable(page)


def wait_until_judgeable(page: Page) -> None:
    """Wait until the keys count for what is on show, if there is anything to judge."""
    if page.locator(".judge").count():
        expect(page.locator(".judge.ready:not(.waiting)")).to_be_visible()


def image(page: Page, side: str) -> Locator:
    return page.get_by_alt_text(f"Image on the {side}")


def shown(page: Page, side: str) -> str:
    """SHA-256 of the PNG that is on show on that side."""
    return sha256(image(page, side).get_attribute("src"))


def sha256(address: str) -> str:
    """SHA-256 of what a data: address holds."""
    return hashlib.sha256(base64.b64decode(address.partition(",")[2])).hexdigest()


def press(page: Page, session: LabelSession, key: str) -> Judgement:
    """Press a key, wait until the next task can be judged, and return what was stored."""
    before = len(session.stored())
    page.keyboard.press(key)
    wait_for_judgements(page, session, before + 1)
    wait_for_task(page, session)
    wait_until_judgeable(page)
    return session.stored()[-1]


def stored_answers(session: LabelSession) -> list[int]:
    """The answers of this labeller that stand, in their order."""
    return [judgement.answer for judgement in session.stored()]


def wait_for_judgements(page: Page, session: LabelSession, count: int) -> None:
    """Wait until the database has `count` judgements of this labeller that stand."""
    _until(page, lambda: len(session.stored()) == count)
    assert len(session.stored()) == count


def wait_for_task(page: Page, session: LabelSession) -> None:
    """Wait until the page shows the labeller's current task."""
    task = session.task()
    if task is None:
        expect(page.locator(".judge")).to_have_count(0)
        return
    if task.rest:
        page.get_by_role("button", name="Go on").click()
    asked = page.locator(".panel.asked")
    side = {"source": "left", "perturbed": "right"}[task.side]
    expect(asked).to_have_attribute("aria-label", f"Image on the {side}")
    stimulus = task.perturbed_stimulus or task.source_stimulus
    came = _until(page, lambda: image(page, side).count() and shown(page, side) == stimulus)
    assert came, f"the page does not show the current task, number {task.number}"


def _until(page: Page, condition: Callable[[], object]) -> bool:
    """Whether it holds before `expect` would give up; what the page says is heard meanwhile."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not condition():
        if time.monotonic() > deadline:
            return False
        page.wait_for_timeout(25)
    return True


def let_rest(page: Page) -> None:
    """Let pass whatever may still come of the presses so far, until the next one would count."""
    page.wait_for_timeout(A_WHILE_MS)
    wait_until_judgeable(page)


# --- Presses that are no clean press ------------------------------------------------------------


def hold(page: Page, key: str, intervals_ms: Sequence[float]) -> None:
    """Hold a key for as long: down again without up, which the browser marks as a repeat."""
    page.keyboard.down(key)
    for interval in intervals_ms:
        page.wait_for_timeout(interval)
        page.keyboard.down(key)
    page.keyboard.up(key)


def roll(page: Page, first: str, second: str, overlap_ms: float) -> None:
    """Press the second key while the first is still held."""
    page.keyboard.down(first)
    page.wait_for_timeout(overlap_ms)
    page.keyboard.down(second)
    page.wait_for_timeout(30)
    page.keyboard.up(first)
    page.keyboard.up(second)


def tap(page: Page, key: str, times: int, gap_ms: float) -> None:
    """Whole presses of a digit, none of them marked as a repeat.

    Each carries the time at which it was made, as a keyboard's does: a busy page hears of it late.
    """
    page.evaluate(
        """async ([digit, times, gap]) => {
            const key = { key: digit, code: `Digit${digit}`, bubbles: true };
            const first = performance.now();
            for (let press = 0; press < times; press++) {
                const timeStamp = first + press * gap;
                const wait = timeStamp - performance.now();
                await new Promise((resolve) => setTimeout(resolve, Math.max(0, wait)));
                for (const type of ["keydown", "keyup"]) document.body.dispatchEvent(
                    Object.defineProperty(
                        new KeyboardEvent(type, key), "timeStamp", { value: timeStamp }));
            }
        }""",
        [key, times, gap_ms],
    )


def double_click(page: Page, answer: int, gap_ms: float) -> None:
    """Two clicks on an answer of the panel that asks, stamped as those of `tap` are."""
    page.evaluate(
        """async ([answer, gap]) => {
            const host = document.querySelector("[data-testid=stBidiComponentIsolated]");
            const first = performance.now();
            for (const timeStamp of [first, first + gap]) {
                const wait = timeStamp - performance.now();
                await new Promise((resolve) => setTimeout(resolve, Math.max(0, wait)));
                const buttons = host.shadowRoot.querySelectorAll(".panel.asked .option");
                const click = new MouseEvent("click", { bubbles: true, composed: true });
                buttons[answer - 1].dispatchEvent(
                    Object.defineProperty(click, "timeStamp", { value: timeStamp }));
            }
        }""",
        [answer, gap_ms],
    )


def watch_presses(page: Page) -> None:
    """Have the page note, before anything else hears of a press, which image it was about."""
    page.evaluate(
        """() => {
            window.seen = [];
            window.addEventListener("keydown", (event) => {
                const host = document.querySelector("[data-testid=stBidiComponentIsolated]");
                const image = host?.shadowRoot.querySelector(".panel.asked img");
                if (image && !event.repeat) window.seen.push([event.key, image.src]);
            }, { capture: true });
        }"""
    )


def storm(page: Page, session: LabelSession, presses: int, seed: int) -> None:
    """Keys at random moments, some held over others, until all is judged."""
    draws = random.Random(seed)
    for _ in range(presses):
        key = draws.choice("1111234")
        page.keyboard.down(key)
        page.wait_for_timeout(draws.choice([0, 5, 20, 60]))
        if draws.random() < 0.9:
            page.keyboard.up(key)
        page.wait_for_timeout(draws.choice([0, 10, 80, 300, 500]))
        if session.task() is None:
            return


def assert_each_answers_what_was_on_the_screen(
    page: Page, session: LabelSession, at_least: int
) -> None:
    """Each stored judgement is of an image that a press of its key saw; none is there twice."""
    seen = {(int(key), sha256(address)) for key, address in page.evaluate("window.seen")}
    stored = session.stored()
    assert len(stored) >= at_least
    assert {(judgement.answer, judgement.stimulus) for judgement in stored} <= seen
    assert len({(judgement.side, judgement.stimulus) for judgement in stored}) == len(stored)
