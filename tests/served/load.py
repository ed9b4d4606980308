"""Fifty people labelling at once: how long each waits for the next image, and what that costs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from labelling.options import StudyOptions
from tests.served.crowd import (
    Member,
    assert_nothing_lost_or_doubled,
    crowd,
    label_for,
    loaded_study,
)
from tests.served.server import Server, running

PEOPLE = 50
#: Seconds that one looks at an image: 1.5 on average.
PAUSE = (0.5, 2.5)
#: They come within so many seconds.
ARRIVAL = 10.0
#: Every item to many people, hidden repeats and catch pairs: what costs the queue most.
STUDY = StudyOptions(overlap=20, repeat_share=0.05, catch_share=0.05, false_label_share=0.05)
#: More than fifty people can judge in ten minutes.
TRIALS = 375
#: Memory counts from here on: by then everybody is there and every cache is full.
WARM = 0.3


@dataclass(frozen=True)
class Load:
    """What was measured: milliseconds from press to next image, and the server's memory."""

    judgements: int
    milliseconds: np.ndarray
    megabytes: np.ndarray
    cpu: float

    def percentile(self, q: float) -> float:
        return float(np.percentile(self.milliseconds, q))

    @property
    def growth(self) -> float:
        """Growth of memory in MB a 1000 judgements, by a straight line, from `WARM` on."""
        warm = self.megabytes[int(len(self.megabytes) * WARM) :]
        slope = np.polyfit(np.linspace(0, 1 - WARM, len(warm)), warm, 1)[0]
        return float(slope / self.judgements * 1000)

    def __str__(self) -> str:
        return (
            f"{self.judgements} judgements of {PEOPLE} people; press to next image: median"
            f" {self.percentile(50):.0f} ms, p95 {self.percentile(95):.0f} ms, p99"
            f" {self.percentile(99):.0f} ms, slowest {self.milliseconds.max():.0f} ms; server:"
            f" {self.megabytes[0]:.0f} MB at first, {self.megabytes[-1]:.0f} MB at last"
            f" ({self.growth:+.2f} MB a 1000 judgements), {self.cpu:.0%} of a core;"
            f" load of the machine {psutil.getloadavg()[0]:.1f} on {psutil.cpu_count()} cores"
        )


def under_load(home: Path, seconds: float, *, trials: int = TRIALS) -> Load:
    """Fifty clients at a real server for so long; nothing may be lost or come twice."""
    home.mkdir(parents=True)
    people = loaded_study(home, people=PEOPLE, trials=trials, options=STUDY)
    with running(Server(home)) as server:
        members = crowd(server.url, people)
        process = psutil.Process(server.pid)
        with watched(process) as megabytes:
            used = process.cpu_times()
            label_for(members, seconds=seconds, arrival=ARRIVAL, pause=PAUSE)
            now = process.cpu_times()
    count = assert_nothing_lost_or_doubled(home, members)
    assert [member.ended for member in members] == [()] * len(members), "somebody was sent away"
    assert all(member.problems == 0 and member.connections == 1 for member in members)
    return Load(
        judgements=count,
        milliseconds=_milliseconds(members),
        megabytes=np.array(megabytes),
        cpu=(now.user + now.system - used.user - used.system) / (ARRIVAL + seconds),
    )


@contextmanager
def watched(process: psutil.Process) -> Iterator[list[float]]:
    """The process's resident memory in MB, noted every second while this is open."""
    noted: list[float] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.is_set():
            noted.append(process.memory_info().rss / 2**20)
            ended.wait(1)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield noted
    finally:
        ended.set()
        thread.join()


def _milliseconds(members: Sequence[Member]) -> np.ndarray:
    return 1000 * np.array([second for member in members for second in member.client.seconds])


if __name__ == "__main__":
    import sys
    import tempfile

    began = time.monotonic()
    load = under_load(Path(tempfile.mkdtemp()) / "home", float(sys.argv[1]))
    print(load)
    print("MB, every tenth second:", *load.megabytes[::10].round())
    print(f"{time.monotonic() - began:.0f} s in all")
