"""One press, one judgement, over hundreds of them. The robot and its answers are synthetic."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import App
from tests.browser.label_session import (
    LabelSession,
    assert_each_answers_what_was_on_the_screen,
    hold,
    join,
    let_rest,
    make_study,
    open_page,
    roll,
    storm,
    tap,
    wait_for_judgements,
    watch_presses,
)
from tests.labelling.synthetic_study import at_once

JUDGEMENTS = 500


@pytest.fixture
def session(app: App) -> Iterator[LabelSession]:
    """A labeller with far more than 500 judgements to make, at the usual exposure."""
    study = make_study(app.home, trials=JUDGEMENTS // 2, name="soak", options=at_once())
    session = join(app.url, app.home, study)
    with closing(session.database):
        yield session


def test_500_judgements_under_a_storm_of_keys(page: Page, session: LabelSession) -> None:
    open_page(page, session)
    watch_presses(page)
    for seed in range(100):
        storm(page, session, presses=40, seed=seed)
        if len(session.stored()) >= JUDGEMENTS:
            break
    let_rest(page)
    assert_each_answers_what_was_on_the_screen(page, session, at_least=JUDGEMENTS)


def test_held_rolled_and_doubled_keys_record_once_each(page: Page, session: LabelSession) -> None:
    open_page(page, session)
    let_rest(page)
    presses = [
        *((lambda ms=ms: roll(page, "3", "2", ms)) for ms in range(5, 800, 45)),
        *((lambda ms=ms: tap(page, "2", times=2, gap_ms=ms)) for ms in range(0, 320, 20)),
        *((lambda ms=ms: hold(page, "4", [ms] * (1500 // ms))) for ms in (15, 30, 60, 250, 500)),
    ]
    for count, act in enumerate(presses, start=1):
        act()
        wait_for_judgements(page, session, count)
        let_rest(page)
    assert len(session.stored()) == len(presses)
