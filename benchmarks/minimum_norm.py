"""The minimum-norm search beside the relaxation: the same trials, tighter magnitudes.

    python -m benchmarks.minimum_norm --home DIR [--trials 240] [--mnist-budget 4000]
        [--advertorch FOLDER] [--processes 4] [--out docs/minimum_norm]

`mnist-conv`, the two shipped classifiers and, where FOLDER has their weights, AdverTorch's two
LeNet-5, all / first / last points; minimum-norm, and the relaxation with both schedules. Raw: no
human has judged these pictures. `--mnist-budget` ends the long schedule early: its bound grows with
the steps, so whatever it finds later than that is larger than every median that is found before.

What is interrupted goes on where it was in the same DIR. `benchmarks.minimum_norm_spread` repeats
the search.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from contextlib import closing
from itertools import combinations
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

from app import api
from data.database import open_database
from data.experiments import conditions
from data.home import Home, home

SHIPPED = ("mnist-standard", "mnist-robust")
ADVERTORCH = ("advertorch-standard", "advertorch-robust")
WEIGHTS = ("advertorch_lenet5_clntrained.safetensors", "advertorch_lenet5_advtrained.safetensors")
ENTRY = Path(__file__).parents[1] / "tests/engine/user_models/advertorch_lenet5.py"
SUBSETS = ("all", "first", "last")
SLOTS = 80
RESAMPLES = 4000
MOST_GRADIENTS = 300


def add_advertorch(place: Home, folder: Path) -> tuple[str, ...]:
    """Put AdverTorch's classifiers into the home as a user would; their names."""
    if not all((folder / name).is_file() for name in WEIGHTS):
        print(f"{folder} has no AdverTorch weights: the shipped classifiers alone.")
        return ()
    shutil.copy(ENTRY, place.models)
    for name in WEIGHTS:
        shutil.copy(folder / name, place.weights)
    return ADVERTORCH


def requests(
    classifiers: tuple[str, ...], trials: int, mnist_budget: int
) -> list[tuple[str, api.ExperimentRequest]]:
    """(kind of run, what to ask for), in the order of running: the quick ones first."""
    cells = [(classifier, subset) for subset in SUBSETS for classifier in classifiers]

    def one(classifier: str, subset: str, **more: object) -> api.ExperimentRequest:
        given = {"slots": SLOTS, "targeted": True} | more
        return api.ExperimentRequest(
            generator="mnist-conv",
            classifiers=(classifier,),
            subsets=(subset,),
            trials=trials,
            **given,
        )

    tight = {"searches": ("minimum-norm",)}
    return [
        *(("minimum-norm", one(*cell, **tight)) for cell in cells),
        *(
            ("minimum-norm, untargeted", one(*cell, **tight, targeted=False))
            for cell in cells
            if cell[1] == "all"
        ),
        *(("relaxation, imagenet", one(*cell, schedules=("imagenet",))) for cell in cells),
        *(
            ("relaxation, mnist", one(*cell, schedules=("mnist",), budget=mnist_budget))
            for cell in cells
        ),
    ]


def run(
    folder: str, asked: list[tuple[str, api.ExperimentRequest]], processes: int
) -> pd.DataFrame:
    """Run what is missing, a process of one thread each; one row a trial, with its `run`."""
    ids = [api.define(request, folder, name=kind) for kind, request in asked]
    with get_context("spawn").Pool(processes, maxtasksperchild=1) as pool:
        jobs = [(place, experiment_id, folder) for place, experiment_id in enumerate(ids)]
        for done, kind in enumerate(pool.imap(_run_one, jobs), start=1):
            print(f"{done} of {len(ids)}: {asked[kind][0]}", file=sys.stderr, flush=True)
    return collect(folder, [kind for kind, _ in asked], ids, asked[0][1].trials)


def _run_one(job: tuple[int, str, str]) -> int:
    place, experiment_id, folder = job
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[place % len(cores)]})
    for _ in api.run(experiment_id, folder, threads=1):
        pass
    return place


def collect(folder: str, kinds: list[str], ids: list[str], trials: int) -> pd.DataFrame:
    """Every trial of what is complete: run, classifier, subset, trial_index, outcome, …"""
    tables = []
    with closing(open_database(home(folder))) as database:
        for kind, experiment_id in zip(kinds, ids, strict=True):
            [condition] = conditions(database, experiment_id)
            rows = pd.read_sql_query(
                "SELECT trial_index, outcome, magnitude, steps FROM results WHERE condition_id = ?",
                database.conn,
                params=[condition.id],
            )
            if len(rows) < trials:
                cell = f"{kind}, {condition.classifier}, {condition.subset}"
                print(f"Left out, for it is not complete: {cell}", file=sys.stderr)
                continue
            tables.append(
                rows.assign(run=kind, classifier=condition.classifier, subset=condition.subset)
            )
    table = pd.concat(tables, ignore_index=True)
    return table.astype({"magnitude": float})


def cells(table: pd.DataFrame) -> pd.DataFrame:
    """A row a run × classifier × subset: n, success, median (∞: half exhausted), gradients."""
    entered = table[table["outcome"] != "skipped"]
    grouped = entered.assign(
        found=entered["outcome"] == "found", reach=entered["magnitude"].fillna(np.inf)
    ).groupby(["run", "subset", "classifier"], sort=False)
    return grouped.agg(
        n=("found", "size"),
        success=("found", "mean"),
        median=("reach", "median"),
        most_gradients=("steps", "max"),
    ).reset_index()


def paired_ratio(
    first: np.ndarray, second: np.ndarray, *, seed: int = 0
) -> tuple[float, float, float]:
    """Median of `second` over median of `first`, the same trials in both, with a 95 % interval.

    Bootstrap over trials, each carrying both of its magnitudes along; ∞ stands for exhausted.
    """
    draws = np.random.default_rng(seed).integers(0, len(first), (RESAMPLES, len(first)))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = np.median(second[draws], axis=1) / np.median(first[draws], axis=1)
        value = np.median(second) / np.median(first)
        low, high = np.quantile(
            np.nan_to_num(ratios, nan=np.inf, posinf=np.inf), [0.025, 0.975], method="nearest"
        )
    return float(value), float(low), float(high)


def comparisons(table: pd.DataFrame, runs: tuple[str, ...]) -> pd.DataFrame:
    """Ratios of medians between classifiers and between subsets, under each run."""
    wide = _wide(table)
    pairs = [
        *((subset, subset, *pair) for subset in SUBSETS for pair in (SHIPPED, ADVERTORCH)),
        *(
            (*subsets, classifier, classifier)
            for classifier in (*SHIPPED, *ADVERTORCH)
            for subsets in combinations(SUBSETS[1:], 2)
        ),
    ]
    rows = []
    for name in runs:
        for one, other, this, that in pairs:
            if (name, one, this) not in wide or (name, other, that) not in wide:
                continue
            both = wide[[(name, one, this), (name, other, that)]].dropna()
            value, low, high = paired_ratio(*both.to_numpy().T)
            rows.append(
                {
                    "run": name,
                    "denominator": f"{this}, {one}",
                    "numerator": f"{that}, {other}",
                    "n": len(both),
                    "ratio": value,
                    "low": low,
                    "high": high,
                }
            )
    return pd.DataFrame(rows)


def _wide(table: pd.DataFrame) -> pd.DataFrame:
    """Magnitudes by trial (rows) and (run, subset, classifier); ∞ not found, NaN skipped."""
    reach = table["magnitude"].where(~table["outcome"].isin(["exhausted", "failed"]), np.inf)
    wide = table.assign(reach=reach).pivot(
        index="trial_index", columns=["run", "subset", "classifier"], values="reach"
    )
    return wide


def against_relaxation(measured: pd.DataFrame) -> pd.DataFrame:
    """The bars: per cell the tight median, those of both schedules, and the larger ratio."""
    wide = measured.pivot(index=["subset", "classifier"], columns="run", values="median")
    tight = wide["minimum-norm"]
    rows = pd.DataFrame({"minimum_norm": tight})
    for schedule in ("imagenet", "mnist"):
        if f"relaxation, {schedule}" in wide:
            rows[schedule] = wide[f"relaxation, {schedule}"]
            rows[f"ratio_{schedule}"] = tight / rows[schedule].where(np.isfinite(rows[schedule]))
    return rows.reset_index()


def as_markdown(table: pd.DataFrame) -> str:
    """A table for a document: three significant digits."""
    lines = [f"| {' | '.join(table.columns)} |", f"|{'---|' * len(table.columns)}"]
    for row in table.itertuples(index=False):
        shown = (f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in row)
        lines.append(f"| {' | '.join(shown)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run, then write every table as CSV and all of them as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", required=True)
    parser.add_argument("--trials", type=int, default=240)
    parser.add_argument("--mnist-budget", type=int, default=4000)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--advertorch", type=Path, default=Path("../shared/data/models"))
    parser.add_argument("--out", type=Path, default=Path("docs/minimum_norm"))
    parser.add_argument(
        "--stored", action="store_true", help="tables of what is stored; run nothing"
    )
    arguments = parser.parse_args()
    place = home(arguments.home)
    classifiers = SHIPPED + add_advertorch(place, arguments.advertorch)
    asked = requests(classifiers, arguments.trials, arguments.mnist_budget)
    if arguments.stored:
        ids = [api.define(request, arguments.home, name=kind) for kind, request in asked]
        table = collect(arguments.home, [kind for kind, _ in asked], ids, arguments.trials)
    else:
        table = run(arguments.home, asked, arguments.processes)
    measured = cells(table)
    tables = {
        "cells": measured,
        "against_relaxation": against_relaxation(measured),
        "comparisons": comparisons(
            table, ("minimum-norm", "relaxation, imagenet", "relaxation, mnist")
        ),
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    table.to_csv(arguments.out / "results.csv", index=False, float_format="%.6g")
    for name, made in tables.items():
        made.to_csv(arguments.out / f"{name}.csv", index=False, float_format="%.6g")
    text = "\n".join(f"## {name}\n\n{as_markdown(made)}" for name, made in tables.items())
    (arguments.out / "tables.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
