"""The live file: whole at every moment, and the same after reading."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from app.runner.live import (
    After,
    Frame,
    Guess,
    History,
    Live,
    Strength,
    read_after,
    read_live,
    softmax,
    top_guesses,
    write_after,
    write_live,
)
from data.home import Home, home

PNG = b"\x89PNG of no picture"
LIVE = Live(
    phase="searching",
    budget=200,
    step=3,
    seconds=0.1,
    bound=1.5,
    magnitude=1.25,
    margin=-2.0,
    magnitudes=(0.0, 1.25),
    source=PNG,
    image=PNG,
    before=(Guess(7, 0.9),),
    after=(Guess(9, 0.6), Guess(7, 0.4)),
    history=History([0, 1], [-3.0, -2.0], [0.0, 1.25], [1.0, 1.5]),
)
AFTER = After(
    strengths=(Strength(1.0, PNG, (Guess(9, 0.6),), 0.4, 0.6, True),),
    frames=(Frame(0, 0.0, -3.0, PNG),),
)


@pytest.fixture
def place(home_folder: object) -> Home:
    return home()


def test_what_was_written_is_read(place: Home) -> None:
    assert (read_live(place, "a1"), read_after(place, "a1")) == (None, None)
    write_live(place, "a1", LIVE)
    write_after(place, "a1", AFTER)
    assert (read_live(place, "a1"), read_after(place, "a1")) == (LIVE, AFTER)


def test_a_reader_never_meets_half_a_file(place: Home) -> None:
    long, short = LIVE, Live("loading", budget=200)
    write_live(place, "a1", short)
    done = threading.Event()

    def write() -> None:
        for index in range(400):
            write_live(place, "a1", (short, long)[index % 2])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = []
    while not done.is_set():
        seen.append(read_live(place, "a1"))
    writer.join()
    assert all(live in (short, long) for live in seen)


@pytest.mark.parametrize("run_id", ["../secret", "", "a/b", "a.b"])
def test_a_run_id_from_the_address_bar_names_no_other_file(place: Home, run_id: str) -> None:
    assert read_live(place, run_id) is None


def test_confidences_are_a_softmax_and_the_top_is_in_order() -> None:
    logits = np.log(np.array([1.0, 5.0, 2.0, 2.0]))
    assert softmax(logits) == pytest.approx([0.1, 0.5, 0.2, 0.2])
    assert softmax(np.array([1e4, 0.0])) == pytest.approx([1.0, 0.0])
    assert [guess.label for guess in top_guesses(logits, 3)] == [1, 2, 3]
