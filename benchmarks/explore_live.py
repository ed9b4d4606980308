"""How live Explore is at 128 pixels: from Run to the first perturbed picture, and step by step.

    python -m benchmarks.explore_live [--searches 5] [--out docs/benchmarks/explore_live.json]

The app as `make run` starts it, with biggan-deep-128 and resnet50 of the real architectures; their
weights are random (the real ones cannot be had without a network), which costs the same. σ is the
preview that Explore starts with. Two rows: the run's live file, which the page reads, looked at all
the time; and the page itself in Chromium, from the click on Run to what its frames show. Of every
search the time is noted whenever another step is shown: a gap is from one such moment to the next.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from urllib.parse import urlencode

import torch
import torchvision
from playwright.sync_api import Page, sync_playwright
from sqlite_utils import Database

from app.runner.live import read_live
from app.runner.menu import read_menu
from app.runner.request import SearchRequest
from app.runner.submit import submit_search
from app.widgets.explore_controls import distinct_names
from benchmarks.pictures import CHROMIUM
from benchmarks.record import FOLDER, markdown
from data.database import open_database
from data.home import CHECKOUT, Home
from data.jobs import cancel, job
from engine.generators.biggan_points import configuration
from tests.engine.generators.biggan_models import random_biggan

RESULTS = FOLDER / "explore_live.json"
GENERATOR, CLASSIFIER = "biggan-deep-128", "torchvision:resnet50@random"
LOOK_SECONDS = 0.01
WATCHED_SECONDS = 10.0
PATIENCE_SECONDS = 600.0
#: Steps that no search of a few seconds spends.
BUDGET = 100_000
FILE, PAGE = "the live file", "the page in Chromium"
#: What the issue asks for, in seconds.
FIRST_BAR, STEP_BAR = 3.0, 0.5

#: Notes when Run was pressed, and each time that the stage's line names another step.
WATCH = """() => {
    window.seen = { pressed: null, changes: [] };
    addEventListener("click", (event) => {
        if (event.target.closest("button")?.innerText.includes("Run"))
            window.seen.pressed = performance.now() / 1000;
    }, { capture: true });
    setInterval(() => {
        for (const host of document.querySelectorAll("[data-testid=stBidiComponentIsolated]")) {
            const line = host.shadowRoot?.querySelector(".stage .line");
            if (!line || window.seen.pressed === null) continue;
            const step = Number(/^(\\d+) of/.exec(line.textContent)?.[1] ?? 0);
            const picture = host.shadowRoot.querySelectorAll(".stage img")[1];
            const last = window.seen.changes.at(-1)?.[1] ?? 0;
            if (step > last && !picture.hidden && picture.complete)
                window.seen.changes.push([performance.now() / 1000, step]);
        }
    }, 10);
}"""


@dataclass(frozen=True)
class Watched:
    """One search: seconds from Run to each moment that showed another step, and those steps."""

    changes: tuple[tuple[float, int], ...]

    @property
    def first(self) -> float:
        """Seconds from Run to the first perturbed picture."""
        return self.changes[0][0]

    @property
    def gaps(self) -> list[float]:
        """Seconds from one step shown to the next that was shown."""
        return [after - before for (before, _), (after, _) in pairwise(self.changes)]

    @property
    def step(self) -> float:
        """Seconds a step: whole steps, between the first moment and the last."""
        (began, first), (ended, last) = self.changes[0], self.changes[-1]
        return (ended - began) / (last - first)


def main() -> None:
    """Run, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--searches", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        cold, watched = measure(Home(Path(folder)), arguments.searches)
    rows = {name: summary(searches) for name, searches in watched.items()}
    record = {
        "preview of σ and loading, the first time (s)": round(cold, 1),
        **rows,
        "cores": os.cpu_count(),
        "torch": torch.__version__,
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    print(json.dumps(record, indent=1, ensure_ascii=False))
    print(table(rows))


def summary(searches: Iterable[Watched]) -> dict[str, float]:
    """The figures of several searches, in seconds."""
    searches = list(searches)
    firsts = [one.first for one in searches]
    gaps = [gap for one in searches for gap in one.gaps]
    return {
        "searches": len(searches),
        "first picture, median": round(median(firsts), 2),
        "first picture, worst": round(max(firsts), 2),
        "a step": round(median(one.step for one in searches), 3),
        "gap, median": round(median(gaps), 3),
        "gap, largest": round(max(gaps), 3),
    }


def table(rows: dict[str, dict[str, float]]) -> str:
    """The rows as Markdown, for docs/speed.md."""
    headings = ("seen in", *next(iter(rows.values())))
    return markdown(
        headings, ((name, *(f"{x:g}" for x in row.values())) for name, row in rows.items())
    )


def recorded() -> dict[str, dict[str, float]]:
    """The rows that were measured last."""
    record = json.loads(RESULTS.read_text(encoding="utf-8"))
    return {name: record[name] for name in (FILE, PAGE)}


def measure(place: Home, searches: int) -> tuple[float, dict[str, list[Watched]]]:
    """Seconds of the first search, with everything to load; then so many in each of two rows."""
    import_random_weights(place)
    with served(place) as url, closing(open_database(place)) as database:
        began = monotonic()
        while read_menu(place) is None:
            sleep(LOOK_SECONDS)
        label = _label_of_all(place, database)
        cold = monotonic() - began
        rows = {
            FILE: [_in_the_file(place, database, label, seed) for seed in range(1, searches + 1)]
        }
        names = distinct_names(read_menu(place).generators[GENERATOR].labels)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 1000})
            page.set_default_timeout(1000 * PATIENCE_SECONDS)
            rows[PAGE] = [
                _in_the_page(page, url, names, label, seed) for seed in range(1, searches + 1)
            ]
            browser.close()
    return cold, rows


@contextmanager
def served(place: Home) -> Iterator[str]:
    """The app and its worker, as `make run` has them; the address."""
    server = subprocess.Popen(
        [sys.executable, "-m", "app", "serve", "--home", str(place.root)],
        cwd=CHECKOUT,
        env={key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield server.stdout.readline().split()[-1]
    finally:
        server.terminate()
        server.wait()


def import_random_weights(place: Home) -> None:
    """Both models' files, brought in as a user without a network does."""
    torch.manual_seed(0)
    made = {
        f"import {GENERATOR}": random_biggan(configuration(128)).state_dict(),
        "add torchvision:resnet50": torchvision.models.resnet50(weights=None).state_dict(),
    }
    place.root.mkdir(parents=True, exist_ok=True)
    for command, tensors in made.items():
        file = place.root / "random.pth"
        torch.save(tensors, file)
        words = [sys.executable, "-m", "app", "models", *command.split(), str(file)]
        subprocess.run([*words, "--home", str(place.root)], cwd=CHECKOUT, check=True)


def _label_of_all(place: Home, database: Database) -> int:
    """What the random classifier calls every source: a search for another label ends at once."""
    job_id = _submit(place, database, 0, 0)
    _until(lambda: not job(database, job_id).active or _step(place, job_id) > 0)
    _end(database, job_id)
    label = read_live(place, job_id).before[0].label
    job_id = _submit(place, database, label, 0)  # warm now, whichever label it was
    _until(lambda: _step(place, job_id) > 0)
    _end(database, job_id)
    return label


def _in_the_file(place: Home, database: Database, label: int, seed: int) -> Watched:
    """A search, watched in its live file."""
    began = monotonic()
    job_id = _submit(place, database, label, seed)
    changes: list[tuple[float, int]] = []

    def seen() -> bool:
        step, now = _step(place, job_id), monotonic() - began
        if step > (changes[-1][1] if changes else 0):
            changes.append((now, step))
        return bool(changes) and now > changes[0][0] + WATCHED_SECONDS

    _until(seen)
    _end(database, job_id)
    return Watched(tuple(changes))


def _in_the_page(page: Page, url: str, names: list[str], label: int, seed: int) -> Watched:
    """A search, watched in the page as a person has it before their eyes."""
    asked = {
        "generator": GENERATOR,
        "classifier": CLASSIFIER,
        "label": names[label],
        "target": names[_target(label)],
        "seed": seed,
        "schedule": "imagenet",
        "budget": BUDGET,
    }
    page.goto(f"{url}/?{urlencode(asked)}")
    run = page.get_by_role("button", name="Run", exact=True)
    run.wait_for()
    page.evaluate(WATCH)
    run.click()
    page.wait_for_function("window.seen.changes.length > 0", polling=100)
    page.wait_for_timeout(1000 * WATCHED_SECONDS)
    seen = page.evaluate("window.seen")
    page.get_by_role("button", name="Stop", exact=True).click()
    page.locator(".state").get_by_text("Stopped").wait_for()
    return Watched(tuple((moment - seen["pressed"], step) for moment, step in seen["changes"]))


def _submit(place: Home, database: Database, label: int, seed: int) -> str:
    request = SearchRequest(
        generator=GENERATOR,
        classifier=CLASSIFIER,
        label=label,
        target=_target(label),
        seed=seed,
        schedule="imagenet",
        budget=BUDGET,
    )
    return submit_search(database, place, request)


def _target(label: int) -> int:
    return (label + 1) % 1000


def _step(place: Home, job_id: str) -> int:
    """The step that the live file shows a perturbed picture of."""
    live = read_live(place, job_id)
    return live.step if live is not None and live.image is not None else 0


def _end(database: Database, job_id: str) -> None:
    cancel(database, job_id)
    _until(lambda: not job(database, job_id).active)


def _until(holds: Callable[[], bool]) -> None:
    deadline = monotonic() + PATIENCE_SECONDS
    while not holds():
        if monotonic() > deadline:
            raise TimeoutError("Explore did not come so far: see the worker's log in the home.")
        sleep(LOOK_SECONDS)


if __name__ == "__main__":
    main()
