"""`python -m app plan`: how large an experiment has to be, and its frozen analysis plan."""

from __future__ import annotations

import argparse
import getpass
from contextlib import closing
from dataclasses import asdict

from app.commands.terminal import print_object, say
from app.figures import figures
from app.runner.request import RequestError

HELP = """Say how many trials an interval takes, or fix an analysis before anybody judges.

`size` plans from an experiment that is there, the pilot: how many trials a condition, and how many
judgements, until the 95 % interval is as narrow as --width. `freeze` stores an analysis plan, which
nobody can change: what results show is then said to follow it, or how it differs. It is refused
once a picture of the experiment has been judged, unless --after-the-fact. `show` prints the plan.

  python -m app plan size 3f9a0c21de --width 0.5 --limit 12
  python -m app plan size 3f9a0c21de --of difference --compare mnist-standard mnist-robust \\
      --width 0.5 --limit 12
  python -m app plan freeze 3f9a0c21de --limit 12 --trials 1000 \\
      --compare mnist-standard mnist-robust --exclude gold=0.8
  python -m app plan show 3f9a0c21de"""

ESTIMANDS = ("fooled-while-people-agree", "source-judged", "as-published", "raw")
RULES = ("majority", "unanimous", "any")
QUANTITIES = ("restricted-mean", "proportion", "difference")
EXCLUSIONS = ("gold", "false_label", "catch", "repeats", "fastest_ms")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("action", choices=tuple(_ACTIONS), help="what to do")
    parser.add_argument("experiment", nargs="?", metavar="ID", help="which (default: the newest)")
    both = parser.add_argument_group("size and freeze")
    both.add_argument(
        "--estimand",
        choices=ESTIMANDS,
        help="what is counted (default: fooled-while-people-agree; raw, where nothing is judged)",
    )
    both.add_argument(
        "--rule",
        choices=RULES,
        default="majority",
        help="when people count as saying that a picture shows its label (default: majority)",
    )
    both.add_argument(
        "--unclear-missing", action="store_true", help="“unclear” counts as missing, not as no"
    )
    both.add_argument(
        "--limit",
        type=float,
        metavar="M_MAX",
        help="to which magnitude the mean goes, or at which the proportion is read (size's default:"
        " as far as all conditions were tested and any was fooled)",
    )
    both.add_argument(
        "--compare",
        nargs=2,
        action="append",
        default=[],
        metavar="NAME",
        help="two classifiers, layer subsets or searches; may be given several times",
    )
    both.add_argument(
        "--overlap", type=int, metavar="K", help="by how many people each item is judged"
    )
    size = parser.add_argument_group("size")
    size.add_argument(
        "--of",
        choices=QUANTITIES,
        default="restricted-mean",
        help="whose interval it is (default: restricted-mean)",
    )
    size.add_argument("--width", type=float, help="of the interval, end to end")
    size.add_argument(
        "--json", action="store_true", help="print one JSON object a line, nothing else"
    )
    frozen = parser.add_argument_group("freeze")
    frozen.add_argument(
        "--trials", type=int, metavar="N", help="a condition (default: as the experiment has)"
    )
    frozen.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="RULE=NUMBER",
        help=f"leave out who is below it; the rules: {', '.join(EXCLUSIONS)}",
    )
    frozen.add_argument("--remarks", default="", help="what else is fixed, for readers")
    frozen.add_argument(
        "--after-the-fact",
        action="store_true",
        help="freeze it though pictures were judged already, and have it marked so",
    )


def run(arguments: argparse.Namespace) -> int:
    """Do it."""
    from app.runner.table import find_experiment
    from data.database import open_database
    from data.home import home
    from labelling.options import StudyError

    with closing(open_database(home(arguments.home))) as database:
        chosen = find_experiment(database, arguments.experiment)
        try:
            return _ACTIONS[arguments.action](arguments, database, chosen)
        except StudyError as error:
            raise RequestError(str(error)) from error


def _size(arguments, database, chosen) -> int:
    from labelling.eligibility import finished_part, trial_table
    from labelling.estimands import ESTIMANDS as DEFINED
    from labelling.estimands import FOOLED_WHILE_PEOPLE_AGREE, RAW
    from labelling.means import common_limit
    from labelling.planner import METHOD, sizes

    if arguments.width is None:
        raise RequestError("Say how narrow the interval shall be: --width 0.5, say.")
    pilot = finished_part(trial_table(database, [chosen.id], _rule(arguments)))
    if pilot.empty:
        raise RequestError(f"Experiment {chosen.id} has no results yet: it is no pilot.")
    judged = (pilot["source_judgement"] != "missing").any()
    usual = FOOLED_WHILE_PEOPLE_AGREE if judged else RAW
    estimand = DEFINED[arguments.estimand] if arguments.estimand else usual
    limit = arguments.limit or common_limit(pilot)
    if limit is None:
        raise RequestError("Nothing was fooled in this pilot: give --limit.")
    found = sizes(
        pilot,
        estimand,
        of=arguments.of,
        width=arguments.width,
        limit=limit,
        comparisons=_comparisons(arguments, database, chosen),
        overlap=arguments.overlap or 1,
    )
    for size in found:
        if arguments.json:
            print_object(asdict(size) | {"estimand": estimand.key, "limit": limit})
        else:
            print(_line(size))
    if not arguments.json:
        what = arguments.of.replace("-", " ")
        say(f"{what.capitalize()} at M_max = {limit:.4g}, {estimand.name.lower()}. {METHOD}")
    return 0


def _line(size) -> str:
    if size.trials is None:
        return f"{size.what}: not known, {size.reason}"
    judgements = (
        f"; {size.judgements} judgements, {size.judgements_high} to be safe"
        if size.judgements
        else ""
    )
    return (
        f"{size.what}: {size.trials} trials, {size.trials_high} to be safe{judgements}"
        f" (the pilot's {size.pilot_trials}: {figures(size.estimate)}, interval"
        f" {figures(size.width)} wide)"
    )


def _freeze(arguments, database, chosen) -> int:
    from labelling.analysis_plan import AnalysisPlan, freeze

    if arguments.limit is None:
        raise RequestError("Say up to which magnitude means will go: --limit 12, say.")
    rules = _exclusion(arguments.exclude)
    row = freeze(
        database,
        chosen.id,
        AnalysisPlan(
            rule=_rule(arguments, exclusion=bool(arguments.exclude)),
            estimand=arguments.estimand or ESTIMANDS[0],
            limit=arguments.limit,
            trials=arguments.trials or chosen.trials,
            comparisons=tuple(_comparisons(arguments, database, chosen)),
            exclusion=rules,
            overlap=arguments.overlap,
            remarks=arguments.remarks,
        ),
        created_by=getpass.getuser(),
        after_the_fact=arguments.after_the_fact,
    )
    say(f"Frozen for experiment {chosen.id}. Its SHA-256, for a registry:")
    print(row.sha256)
    return 0


def _show(arguments, database, chosen) -> int:
    from data.plans import plans
    from labelling.analysis_plan import NO_PLAN, AnalysisPlan, adherence, standing_plan

    row = standing_plan(database, chosen.id)
    if row is None:
        say(NO_PLAN)
        return 0
    if arguments.json:
        for one in plans(database, chosen.id):
            print_object(asdict(one) | {"stands": one.id == row.id})
        return 0
    print(f"{chosen.name} ({chosen.id}), frozen by {row.created_by} at {row.created_at}")
    print(f"SHA-256 {row.sha256}")
    for line in AnalysisPlan.of(row.plan).in_words():
        print(f"  {line}")
    print(adherence(database, chosen.id).in_words())
    return 0


_ACTIONS = {"size": _size, "freeze": _freeze, "show": _show}


def _rule(arguments, *, exclusion: bool = False):
    from labelling.eligibility import JudgingRule

    unclear = "missing" if arguments.unclear_missing else "disagree"
    return JudgingRule(arguments.rule, unclear=unclear, exclusion=exclusion)


def _comparisons(arguments, database, chosen) -> list:
    """By which factor two names differ is known from the experiment."""
    from data.experiments import conditions
    from labelling.analysis_plan import Comparison

    cells = [cell for cell in conditions(database, chosen.id) if cell.role == "search"]
    levels = {
        factor: {getattr(cell, factor) for cell in cells}
        for factor in ("classifier", "subset", "search")
    }
    found = []
    for one, other in arguments.compare:
        factor = next((name for name, of in levels.items() if {one, other} <= of), None)
        if factor is None:
            listed = "; ".join(f"{name}: {', '.join(sorted(of))}" for name, of in levels.items())
            raise RequestError(f"{one} and {other} are no two of one kind here. {listed}.")
        found.append(Comparison(factor, one, other))
    return found


def _exclusion(pairs: list[str]):
    from labelling.options import ExclusionRules

    rules = {}
    for pair in pairs:
        name, _, number = pair.partition("=")
        try:
            if name not in EXCLUSIONS:
                raise ValueError
            rules[name] = float(number)
        except ValueError:
            raise RequestError(
                f"“{pair}” is no exclusion rule: write RULE=NUMBER, such as gold=0.8; the rules"
                f" are {', '.join(EXCLUSIONS)}."
            ) from None
    return ExclusionRules(**rules)
