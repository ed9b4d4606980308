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

from tests.labelling.synthetic_study import at_once
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
STUDY = at_once(overlap=20, repeat_share=0.05, catch_share=0.05, false_label_share=0.05)
#: More than fifty people can judge in ten minutes.
TRIALS = 375
#: For so many seconds somebody answers alone first: what the machine can do for one.
ALONE, ALONE_PAUSE = 3.0, (0.1, 0.1)


@dataclass(frozen=True)
class Load:
    """What was measured: milliseconds from press to next image, and the server's memory.

    `alone` is the median of somebody who is there alone, before the others come.
    """

    judgements: int
    alone: float
    milliseconds: np.ndarray
    megabytes: np.ndarray
    cpu: float

    def percentile(self, q: float) -> float:
        return float(np.percentile(self.milliseconds, q))

    @property
    def thirds(self) -> tuple[float, float, float]:
        """Memory in MB: the median of each third of the time."""
        first, middle, last = (float(np.median(it)) for it in np.array_split(self.megabytes, 3))
        return first, middle, last

    @property
    def growth(self) -> float:
        """MB by which the last third takes more than the middle one, when everybody was there."""
        _, middle, last = self.thirds
        return last - middle

    def __str__(self) -> str:
        return (
            f"{self.judgements} judgements of {PEOPLE} people; press to next image: median"
            f" {self.percentile(50):.0f} ms, p95 {self.percentile(95):.0f} ms, p99"
            f" {self.percentile(99):.0f} ms, slowest {self.milliseconds.max():.0f} ms, one alone"
            f" {self.alone:.0f} ms; server: {self.megabytes[0]:.0f} MB at first,"
            f" {', '.join(f'{it:.1f}' for it in self.thirds)} MB in each third of the time"
            f" ({self.growth:+.1f} MB from the middle one to the last), {self.cpu:.0%} of a core;"
            f" load of the machine {psutil.getloadavg()[0]:.1f} on {psutil.cpu_count()} cores"
        )


def under_load(home: Path, seconds: float, *, trials: int = TRIALS) -> Load:
    """Fifty clients at a real server for so long; nothing may be lost or come twice."""
    home.mkdir(parents=True)
    people = loaded_study(home, people=PEOPLE + 1, trials=trials, options=STUDY)
    with running(Server(home)) as server:
        one, *members = everybody = crowd(server.url, people)
        label_for([one], seconds=ALONE, arrival=0, pause=ALONE_PAUSE)
        process = psutil.Process(server.pid)
        with watched(process) as megabytes:
            used = process.cpu_times()
            label_for(members, seconds=seconds, arrival=ARRIVAL, pause=PAUSE)
            now = process.cpu_times()
    count = assert_nothing_lost_or_doubled(home, everybody)
    assert [member.ended for member in everybody] == [()] * len(everybody), "somebody was sent away"
    assert all(member.problems == 0 and member.connections == 1 for member in everybody)
    return Load(
        judgements=count,
        alone=float(np.median(_milliseconds([one]))),
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
