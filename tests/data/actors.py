"""Programs that the tests run as processes of their own, several at once, or to kill them.

    python tests/data/actors.py PROGRAM HOME ARGUMENT …

Each prints one line for everything it has done, at once, so that what it acknowledged is known.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def start(program: str, home_folder: Path, *arguments: object) -> subprocess.Popen[str]:
    """Starts a program; it waits until a line is written to its standard input."""
    return subprocess.Popen(
        [sys.executable, __file__, program, str(home_folder), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1"},
    )


def run_together(processes: list[subprocess.Popen[str]]) -> list[list[str]]:
    """Lets waiting programs go at the same moment; the lines of each, once all have ended."""
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    lines = [process.communicate(timeout=60)[0].splitlines() for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return lines


def opener(folder: str) -> None:
    """Opens the database of a home that may not exist yet."""
    print(len(open_database(home(folder)).table_names()), flush=True)


def claimant(folder: str, worker: str) -> None:
    """Claims and finishes jobs until none is left; prints their ids."""
    database = open_database(home(folder))
    while job := claim(database, "cpu", worker):
        finish(database, job.id, worker, "done")
        print(job.id, flush=True)


def recorder(folder: str, condition_id: str) -> None:
    """Records found results without end; prints the index of each."""
    place = home(folder)
    database = open_database(place)
    index = 0
    while True:
        add_result(database, a_find(database, place, int(condition_id), index))
        print(index, flush=True)
        index += 1


def crasher(folder: str, blow: str) -> None:
    """Adds one stimulus, and kills itself just before its n-th call that makes something last."""
    place = home(folder)
    database = open_database(place)
    calls = 0

    def dying(call: Callable) -> Callable:
        def counted(*arguments: object) -> object:
            nonlocal calls
            calls += 1
            if calls == int(blow):
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments)

        return counted

    os.fsync, os.replace = dying(os.fsync), dying(os.replace)
    database.execute = dying(database.execute)
    add_stimulus(database, place, pixels(0))
    print(calls, flush=True)


def restorer(folder: str, source: str, blow: str) -> None:
    """Restores a backup over a home, and kills itself just before its n-th renaming."""
    calls = 0

    def dying(*names: object) -> None:
        nonlocal calls
        calls += 1
        if calls == int(blow):
            os.kill(os.getpid(), signal.SIGKILL)
        rename(*names)

    rename, os.rename = os.rename, dying
    restore_backup(Path(source), home(folder), force=True)
    print(calls, flush=True)


if __name__ == "__main__":
    from data.database import open_database
    from data.home import home
    from data.jobs import claim, finish
    from data.restore import restore_backup
    from data.results import add_result, add_stimulus
    from tests.data.rows import a_find, pixels

    print("ready", flush=True)
    sys.stdin.readline()
    globals()[sys.argv[1]](*sys.argv[2:])
