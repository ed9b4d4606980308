"""The paper's MNIST experiment (Dunn et al. 2020, figure 13) with the shipped models.

    python -m benchmarks.figure_13 [--home DIR] [--trials 240] [--mnist-budget N] [--out DIR]

240 trials, both classifiers, first four and last four points, both schedules; curves, the table of
means and every result are written to `--out`. No human has judged the pictures: all of it is raw.
An interrupted run goes on where it was when `--home` names a folder that stays.
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path
from tempfile import mkdtemp

import pandas as pd

from app import api
from app.charts.success import success_curves as success_chart
from app.charts.theme import classifier_colours
from benchmarks.pictures import save_pngs
from data.database import open_database
from data.home import home
from labelling.curves import success_curves
from labelling.eligibility import trial_table
from labelling.estimands import RAW
from labelling.means import table_of_means

CLASSIFIERS = ("mnist-standard", "mnist-robust")
SUBSETS = ("first", "last")


def run(folder: str, trials: int, processes: int, budget: int | None) -> pd.DataFrame:
    """Run what is missing, a condition a process of one thread; returns the trial table."""
    # The long schedule first, so that no process is left with it at the end.
    conditions = [
        api.ExperimentRequest(
            generator="mnist-conv",
            classifiers=(classifier,),
            subsets=(subset,),
            schedules=(schedule,),
            budget=budget if schedule == "mnist" else None,
            trials=trials,
            slots=80,
        )
        for schedule in ("mnist", "imagenet")
        for subset in SUBSETS
        for classifier in CLASSIFIERS
    ]
    ids = [api.define(condition, folder, name="Figure 13") for condition in conditions]
    with get_context("spawn").Pool(processes, maxtasksperchild=1) as pool:
        jobs = [(core, experiment_id, folder) for core, experiment_id in enumerate(ids)]
        for done, count in enumerate(pool.imap_unordered(_run_one, jobs), start=1):
            print(f"{done} of {len(ids)} conditions, {count} trials", file=sys.stderr, flush=True)
    with closing(open_database(home(folder))) as database:
        return trial_table(database, ids)


def _run_one(job: tuple[int, str, str]) -> int:
    core, experiment_id, folder = job
    # Left to itself the kernel may put two of the processes on one core.
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[core % len(cores)]})
    return sum(1 for _ in api.run(experiment_id, folder, threads=1))


def markdown(means: pd.DataFrame, table: pd.DataFrame) -> str:
    """The table of means with n, a line a condition."""
    lines = [
        "| schedule | points | classifier | n | fooled | mean to M_max | 95 % | M_max | plain mean"
        " | median |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in means.itertuples():
        cell = table[
            (table["classifier"] == row.classifier)
            & (table["subset"] == row.subset)
            & (table["schedule_name"] == row.schedule_name)
            & (table["outcome"] != "skipped")
        ]
        fooled = (cell["outcome"] == "found").mean()
        median = cell["magnitude"].fillna(float("inf")).median()
        lines.append(
            f"| {row.schedule_name} | {row.subset} | {row.classifier} | {row.n} | {fooled:.1%}"
            f" | {row.restricted_mean:.3g} | [{row.low:.3g}, {row.high:.3g}] | {row.limit:.3g}"
            f" | {row.plain_mean:.3g} | {median:.3g} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run, then write results.csv, table.md and a picture of the curves for each schedule."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", default=None, help="default: a temporary folder")
    parser.add_argument("--trials", type=int, default=240)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument(
        "--mnist-budget", type=int, default=None, help="steps of the mnist schedule; default 10000"
    )
    parser.add_argument("--out", type=Path, default=Path("docs/figure_13"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    folder = arguments.home or mkdtemp(prefix="plainview-figure-13-")
    table = run(folder, arguments.trials, arguments.processes, arguments.mnist_budget)
    table.drop(columns=["experiment_id", "condition_id"]).to_csv(
        arguments.out / "results.csv", index=False, float_format="%.6g"
    )
    means, figures = [], {}
    for schedule, part in table.groupby("schedule_name", sort=False):
        means.append(table_of_means(part, RAW))
        n = part["trial_index"].nunique()
        figures[arguments.out / f"curves_{schedule}.png"] = success_chart(
            success_curves(part, RAW),
            focus=RAW.key,
            colours=classifier_colours(CLASSIFIERS),
            subsets=SUBSETS,
            title=f"Fooled against perturbation magnitude: MNIST, {schedule} schedule",
            subtitle=[f"Raw: no judgement is used. {n} trials; relaxation search; 8-bit success."],
        )
    (arguments.out / "table.md").write_text(markdown(pd.concat(means), table))
    save_pngs(figures, width=1100)
    print((arguments.out / "table.md").read_text())


if __name__ == "__main__":
    main()
