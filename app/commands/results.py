"""`python -m app results`: what is stored, as a table, as curves, as JSON Lines or CSV."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

from app.commands.judging import add_judging, judging_rule
from app.commands.terminal import print_object, say
from app.figures import figures
from app.results_stamp import Stamp, stamped
from app.runner.request import RequestError

if TYPE_CHECKING:
    import pandas as pd
    from sqlite_utils import Database

    from data.experiments import Experiment
    from data.home import Home
    from labelling.eligibility import JudgingRule

HELP = """Show the results of an experiment: the table of means, or the curves.

Without an ID, of the newest experiment. --estimand says what is counted, and --rule whose judgement
decides; without judgements only "raw" can be known. The Results page defines each of them. With
--csv every row says its experiment, the judging rule, whether the judgements are synthetic, and
whether the frozen analysis plan was kept to.

  python -m app results
  python -m app results 3f9a0c21de --estimand fooled-while-people-agree --curves --csv > curves.csv
  python -m app results 3f9a0c21de --estimand source-judged --labeller Ada --csv > means.csv
  python -m app results 3f9a0c21de --json > results.jsonl"""

ESTIMANDS = ("raw", "source-judged", "fooled-while-people-agree", "as-published")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("experiment", nargs="?", metavar="ID", help="which (default: the newest)")
    parser.add_argument("--list", action="store_true", help="list the experiments instead")
    parser.add_argument(
        "--estimand", choices=ESTIMANDS, default="raw", help="what is counted (default: raw)"
    )
    add_judging(parser, default="majority")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--curves", action="store_true", help="the curves, not the table of means")
    what.add_argument(
        "--trials",
        action="store_true",
        help="every stored result as CSV, controls and the distances between pixels included",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--json", action="store_true", help="print every stored result, one JSON object a line"
    )
    form.add_argument("--csv", action="store_true", help="print the table or the curves as CSV")


def run(arguments: argparse.Namespace) -> int:
    """Print what was asked for."""
    from app.runner.table import find_experiment, result_objects
    from data.database import open_database
    from data.home import home
    from labelling.eligibility import JudgingRule

    place = home(arguments.home)
    with closing(open_database(place)) as database:
        if arguments.list:
            return _list(database, as_json=arguments.json)
        chosen = find_experiment(database, arguments.experiment)
        if arguments.json:
            for result in result_objects(database, chosen.id):
                print_object(result)
            return 0
        if arguments.trials:
            return _trials(result_objects(database, chosen.id))
        rule = judging_rule(database, chosen.id, arguments) or JudgingRule()
        table = _table(database, chosen.id, arguments.estimand, rule, curves=arguments.curves)
        limit = None if arguments.curves else _known(float(table["limit"].iloc[0]))
        stamp = _stamp(database, place, chosen, rule, arguments.estimand, limit)
    if arguments.csv:
        stamped(table, stamp).to_csv(sys.stdout, index=False)
    else:
        _print(table, curves=arguments.curves)
        say(_note(stamp, arguments.estimand))
    return 0


def _stamp(
    database: Database,
    place: Home,
    chosen: Experiment,
    rule: JudgingRule,
    estimand: str,
    limit: float | None,
) -> Stamp:
    """What the numbers rest on, as every file of the Results page says it."""
    from app.widgets.banner import MARKER
    from labelling.analysis_plan import adherence

    held = adherence(database, chosen.id, rule=rule, estimand=estimand, limit=limit)
    synthetic = (place.root / MARKER).exists()
    return Stamp(chosen.name, chosen.id, rule.in_words(), synthetic, held.in_words())


def _trials(results: Iterator[dict[str, Any]]) -> int:
    """A row a result; lists, such as the magnitudes by point, as JSON."""
    writer = None
    for result in results:
        row = {
            key: json.dumps(value) if isinstance(value, list) else value
            for key, value in result.items()
        }
        if writer is None:
            writer = csv.DictWriter(sys.stdout, row.keys(), lineterminator="\n")
            writer.writeheader()
        writer.writerow(row)
    return 0


def print_table(experiment_id: str, folder: str | None) -> None:
    """The table of means without judgements, as `results ID` prints it."""
    from data.database import open_database
    from data.home import home
    from labelling.eligibility import JudgingRule

    with closing(open_database(home(folder))) as database:
        _print(_table(database, experiment_id, "raw", JudgingRule(), curves=False), curves=False)


def _table(
    database: Database, experiment_id: str, estimand: str, rule: JudgingRule, *, curves: bool
) -> pd.DataFrame:
    from labelling.curves import success_curves
    from labelling.distances import means_and_distances
    from labelling.eligibility import trial_table
    from labelling.estimands import ESTIMANDS as DEFINED

    trials = trial_table(database, [experiment_id], rule)
    if trials.empty:
        raise RequestError(
            f"Experiment {experiment_id} has no results yet: run"
            f" python -m app experiment --resume {experiment_id}"
        )
    if not curves:
        return means_and_distances(database, trials, DEFINED[estimand])
    table = success_curves(trials, DEFINED[estimand])
    if table.empty:
        raise RequestError(
            f"Nothing is known of the estimand “{estimand}” without judgements: choose --estimand"
            " raw, or have the pictures judged on the Label page."
        )
    return table


#: Column → heading, of what is printed for people; --csv has every column.
TABLE = {
    "classifier": "classifier",
    "subset": "subset",
    "search": "search",
    "schedule_name": "schedule",
    "n": "n",
    "fooled_share": "fooled",
    "restricted_mean": "mean",
    "low": "low",
    "high": "high",
    "median": "median",
    "plain_mean": "plain mean",
    "n_plain": "of",
    "mean_pixel_l2": "pixel ℓ2",
    "mean_pixel_linf": "ℓ∞",
    "mean_ssim": "SSIM",
}
CURVES = {
    "classifier": "classifier",
    "subset": "subset",
    "schedule_name": "schedule",
    "magnitude": "magnitude",
    "proportion": "fooled",
    "low": "low",
    "high": "high",
    "at_risk": "at risk",
}


def _print(table: pd.DataFrame, *, curves: bool) -> None:
    shown = CURVES if curves else TABLE
    rows = [list(shown.values())]
    for record in table[list(shown)].to_dict("records"):
        rows.append([_cell(value) for value in record.values()])
    widths = [max(len(row[column]) for row in rows) for column in range(len(shown))]
    for row in rows:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
    if not curves:
        limit = table["limit"].iloc[0]
        print(f"mean: of min(magnitude, {figures(_known(limit))}), with its 95 % interval")


def _cell(value: object) -> str:
    if value == float("inf"):
        return "∞"
    if isinstance(value, float):
        return figures(_known(value))
    return str(value)


def _known(value: float) -> float | None:
    return None if value != value else value


def _note(stamp: Stamp, estimand: str) -> str:
    judged = " (no judgement was used)" if estimand == "raw" else ""
    return f"Estimand: {estimand}{judged}. {stamp.in_words()}"


def _list(database: Database, *, as_json: bool) -> int:
    from data.experiments import experiments
    from data.results import outcome_counts

    for one in experiments(database, kind="experiment"):
        counts = outcome_counts(database, one.id)
        done = sum(sum(outcomes.values()) for outcomes in counts.values())
        total = one.trials * len(one.definition["conditions"])
        if as_json:
            print_object(
                {
                    "experiment": one.id,
                    "name": one.name,
                    "results": done,
                    "trials": total,
                    "created_at": one.created_at,
                }
            )
        else:
            print(f"{one.id}  {one.created_at[:16]}  {done} of {total}  {one.name}")
    return 0
