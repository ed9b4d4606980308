"""Killed at any moment, the home is whole: no row without its file, and what was said is kept."""

from __future__ import annotations

import time

import pytest

from data.database import open_database
from data.experiments import conditions
from data.home import Home
from data.images import read_image
from data.results import add_stimulus, missing_trials
from tests.data.actors import run_together, start
from tests.data.rows import an_experiment, pixels


def assert_whole(home: Home) -> None:
    """The database is sound, and every image it names is there, bit for bit."""
    database = open_database(home)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    for (sha256,) in database.execute("SELECT sha256 FROM stimuli"):
        read_image(home, sha256)
    for file in home.images.rglob("*.png"):
        read_image(home, file.stem)


def test_killed_between_any_two_steps_of_adding_an_image(home: Home) -> None:
    """The steps: fsync of the new folder and of the file, rename, fsync, and last the row."""
    open_database(home).close()
    (lines,) = run_together([start("crasher", home.root.with_name("counting"), 0)])
    steps = int(lines[-1])
    assert steps == 5  # folder of folders, file, rename, folder, row

    processes = [start("crasher", home.root.with_name(str(n)), n) for n in range(1, steps + 1)]
    for process in processes:
        process.communicate("go\n", timeout=60)
        assert process.returncode == -9
    for n in range(1, steps + 1):
        place = Home(home.root.with_name(str(n)))
        database = open_database(place)
        assert_whole(place)
        assert database["stimuli"].count == 0
        sha256 = add_stimulus(database, place, pixels(0))
        assert (read_image(place, sha256) == pixels(0)).all()


@pytest.mark.parametrize("moment", range(3))
def test_killed_while_recording_results(home: Home, moment: int) -> None:
    database = open_database(home)
    condition = conditions(database, an_experiment(database))[0]
    process = start("recorder", home.root, condition.id)
    process.stdin.write("go\n")
    process.stdin.flush()
    lines = [process.stdout.readline() for _ in range(20 + 7 * moment)]
    time.sleep(0.003 * moment)
    process.kill()
    lines += process.communicate(timeout=60)[0].splitlines()

    acknowledged = {int(line) for line in lines if line.strip().isdigit()}
    assert len(acknowledged) >= 19
    assert_whole(home)
    recorded = set(range(1000)) - set(missing_trials(database, condition.id, 1000))
    assert acknowledged <= recorded
    assert recorded == set(range(len(recorded))), "no trial is skipped"
