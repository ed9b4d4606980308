"""A synthetic study in a running app, and what a test reads off a labeller's page."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page, expect
from sqlite_utils import Database

from data.database import open_database
from data.home import Home
from data.studies import Judgement, judgements, labeller_of
from labelling.queue import Task, next_task
from labelling.studies import create_study, invite
from tests.labelling.synthetic_study import add_experiment, label_text

#: judge.py's EXPOSURE_MS with a margin for a busy machine.
LONG_ENOUGH_MS = 400


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


def make_study(home: Path, *, trials: int = 6, name: str = "synthetic", **experiment) -> str:
    """A study over a new synthetic experiment; returns its id."""
    place = Home(home)
    database = open_database(place)
    experiment_id = add_experiment(database, place, trials=trials, name=name, **experiment)
    study_id = create_study(
        database, [experiment_id], name, label_text=label_text, created_by="test"
    )
    database.close()
    return study_id


def join(url: str, home: Path, study_id: str) -> LabelSession:
    """Invite a new labeller to the study."""
    database = open_database(Home(home))
    token = invite(database, study_id, "robot (synthetic)")
    labeller = labeller_of(database, token)
    return LabelSession(database, labeller.id, f"{url}/?invitation={token}")


def open_page(page: Page, session: LabelSession) -> None:
    """Open the link and wait until the first image can be judged."""
    page.goto(session.address)
    expect(page.locator(".judge.ready")).to_be_visible()
    wait_until_judgeable(page)


def wait_until_judgeable(page: Page) -> None:
    """Wait for longer than a press is ignored after an image has appeared."""
    page.wait_for_timeout(LONG_ENOUGH_MS)


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


def wait_for_judgements(page: Page, session: LabelSession, count: int) -> None:
    """Wait until the database has `count` judgements of this labeller."""
    for _ in range(200):
        if len(session.stored()) >= count:
            break
        page.wait_for_timeout(25)
    assert len(session.stored()) == count


def wait_for_task(page: Page, session: LabelSession) -> None:
    """Wait until the page shows the labeller's current task."""
    task = session.task()
    if task is None:
        expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
        return
    asked = page.locator(".panel.asked")
    side = {"source": "left", "perturbed": "right"}[task.side]
    expect(asked).to_have_attribute("aria-label", f"Image on the {side}")
    stimulus = task.perturbed_stimulus or task.source_stimulus
    for _ in range(200):
        if image(page, side).count() and shown(page, side) == stimulus:
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"the page does not show the current task, number {task.number}")
