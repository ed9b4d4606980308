"""How live Explore is at 128 pixels: from Run to the first perturbed picture, and step by step.

    python -m benchmarks.explore_live [--searches 5] [--out docs/benchmarks/explore_live.json]

A real worker process with biggan-deep-128 and resnet50 of the real architectures; their weights are
random (the real ones cannot be had without a network), which costs the same. σ is the preview that
Explore starts with. What the page shows is read as the page reads it, from the run's live file.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import monotonic, sleep

import torch
import torchvision

from app.runner.live import Live, read_live
from app.runner.menu import read_menu
from app.runner.request import SearchRequest
from app.runner.submit import submit_search
from data.database import open_database
from data.home import CHECKOUT, Home
from data.jobs import cancel, job
from engine.generators.biggan_points import configuration
from tests.engine.generators.biggan_models import random_biggan

CLASSIFIER = "torchvision:resnet50@random"
LOOK_SECONDS = 0.01
WATCHED_SECONDS = 10.0
PATIENCE_SECONDS = 600.0


def main() -> None:
    """Run, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--searches", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks/explore_live.json"))
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        place = Home(Path(folder))
        import_random_weights(place)
        worker = subprocess.Popen(
            [sys.executable, "-m", "app", "worker", "--home", folder],
            cwd=CHECKOUT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            measured = measure(place, arguments.searches)
        finally:
            worker.terminate()
            worker.wait()
    measured |= {"cores": os.cpu_count(), "torch": torch.__version__}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(measured, indent=1) + "\n")
    print(json.dumps(measured, indent=1))


def import_random_weights(place: Home) -> None:
    """Both models' files, brought in as a user without a network does."""
    torch.manual_seed(0)
    made = {
        "import biggan-deep-128": random_biggan(configuration(128)).state_dict(),
        "add torchvision:resnet50": torchvision.models.resnet50(weights=None).state_dict(),
    }
    for command, tensors in made.items():
        file = place.root / "random.pth"
        torch.save(tensors, file)
        words = [sys.executable, "-m", "app", "models", *command.split(), str(file)]
        subprocess.run([*words, "--home", str(place.root)], cwd=CHECKOUT, check=True)


def measure(place: Home, searches: int) -> dict[str, object]:
    """Warm up with one search, then time the others."""
    while read_menu(place) is None:
        sleep(LOOK_SECONDS)
    with closing(open_database(place)) as database:
        began = monotonic()
        label = _seen_label(_watch(place, database, 0, None)[0])
        cold = monotonic() - began
        _watch(place, database, label, None, seed=0)
        firsts, steps = [], []
        for seed in range(1, searches + 1):
            live, first, per_step = _watch(place, database, label, None, seed=seed)
            if first is not None:
                firsts.append(first)
                steps.append(per_step)
            label = _seen_label(live)
    return {
        "preview of σ and loading, the first time (s)": round(cold, 1),
        "searches timed": len(firsts),
        "first perturbed picture after Run (s), median": round(median(firsts), 2),
        "first perturbed picture after Run (s), worst": round(max(firsts), 2),
        "a step (s), median": round(median(steps), 3),
        "a step (s), worst search": round(max(steps), 3),
    }


def _seen_label(live: Live) -> int:
    """What the classifier calls the source: a search for another label has something to do."""
    return live.before[0].label if live.before else 0


def _watch(place: Home, database, label: int, target: int | None, seed: int = 0):
    """(last live state, seconds to the first perturbed picture, seconds a step after it)."""
    request = SearchRequest(
        generator="biggan-deep-128",
        classifier=CLASSIFIER,
        label=label,
        target=(label + 1) % 1000 if target is None else target,
        seed=seed,
        schedule="imagenet",
        budget=100_000,
    )
    began = monotonic()
    job_id = submit_search(database, place, request)
    first: float | None = None
    first_step, live = 0, None
    while True:
        now = monotonic()
        seen = read_live(place, job_id)
        live = seen or live
        if seen is not None and seen.image is not None and seen.step >= 1 and first is None:
            first, first_step = now - began, seen.step
        over = not job(database, job_id).active
        watched = first is not None and now - began - first > WATCHED_SECONDS
        if over or watched or now - began > PATIENCE_SECONDS:
            break
        sleep(LOOK_SECONDS)
    steps = (live.step - first_step) if live is not None and first is not None else 0
    per_step = (now - began - first) / steps if first is not None and steps else float("inf")
    cancel(database, job_id)
    while job(database, job_id).active:
        sleep(LOOK_SECONDS)
    return live, first, per_step


if __name__ == "__main__":
    main()
