"""The server's clock goes back while people label, again and again; they are synthetic."""

from __future__ import annotations

import random
import threading
from contextlib import closing
from pathlib import Path

from data.database import open_database
from data.durable import write_durably
from data.home import Home
from data.judgements import judgements
from data.studies import studies
from labelling.progress import study_progress
from labelling.quality import study_quality
from labelling.wording import ENGLISH
from tests.labelling.synthetic_study import at_once
from tests.served.crowd import assert_nothing_lost_or_doubled, crowd, label_for, loaded_study
from tests.served.server import Server, running

PEOPLE, LONG_SECONDS = 3, 120.0
STEP_SECONDS = 0.2
CLOCK = Path(__file__).with_name("moved_clock")


def test_everybody_goes_on_to_the_end_and_nothing_is_lost(tmp_path: Path) -> None:
    home, clock = tmp_path / "home", tmp_path / "clock"
    home.mkdir()
    clock.write_text("0")
    people = loaded_study(home, people=PEOPLE, trials=6, options=at_once(repeat_share=0.1))
    environment = {"PYTHONPATH": str(CLOCK), "PLAINVIEW_TEST_CLOCK": str(clock)}
    over = threading.Event()
    moving = threading.Thread(target=_go_back, args=[clock, over])
    with running(Server(home, environment=environment)) as server:
        members = crowd(server.url, people)
        moving.start()
        try:
            label_for(members, seconds=LONG_SECONDS, arrival=0.2, pause=(0.0, 0.1))
        finally:
            over.set()
            moving.join()
    assert {member.problems for member in members} == {0}
    assert [member.ended[0] for member in members] == [ENGLISH.end_title] * PEOPLE
    count = assert_nothing_lost_or_doubled(home, members)
    with closing(open_database(Home(home))) as database:
        times = [one.created_at for one in judgements(database)]
        assert times != sorted(times), "the clock did go back"
        (study,) = studies(database)
        progress = study_progress(database, study.id)
        assert (progress.open, sum(one.judgements for one in progress.labellers)) == (0, count)
        study_quality(database, study.id)


def _go_back(clock: Path, over: threading.Event) -> None:
    """By seconds, minutes or an hour, several times a second."""
    draws, off = random.Random(0), 0.0
    while not over.wait(STEP_SECONDS):
        off -= draws.choice([2.0, 90.0, 3600.0])
        write_durably(clock, str(off).encode())
