"""Options of every command whose numbers rest on what people said: which judgements count."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from app.runner.request import RequestError

if TYPE_CHECKING:
    from sqlite_utils import Database

    from labelling.eligibility import JudgingRule

RULES = ("majority", "unanimous", "any")


def add_judging(parser: argparse.ArgumentParser, *, default: str) -> None:
    """The options of the judging rule. `default` says in words what counts without them."""
    parser.add_argument(
        "--rule",
        choices=RULES,
        help=f"when people count as saying that a picture shows its label (default: {default})",
    )
    parser.add_argument(
        "--labeller", metavar="NAME", help="one named labeller's word decides, instead of a --rule"
    )
    parser.add_argument(
        "--labellers", nargs="+", default=[], metavar="NAME", help="only judgements by these people"
    )
    parser.add_argument(
        "--studies", nargs="+", default=[], metavar="ID", help="only judgements of these studies"
    )
    parser.add_argument(
        "--unclear-missing", action="store_true", help="“unclear” counts as missing, not as no"
    )
    parser.add_argument(
        "--exclusion", action="store_true", help="leave out whom the studies' rules exclude"
    )


def judging_rule(
    database: Database, experiment_id: str, arguments: argparse.Namespace
) -> JudgingRule | None:
    """The rule that the options ask for; None where none was given.

    Raises RequestError for names that the experiment's studies do not know.
    """
    from data.labellers import labellers
    from data.studies import studies
    from labelling.eligibility import JudgingRule

    given = (
        *(arguments.rule, arguments.labeller, arguments.labellers, arguments.studies),
        *(arguments.unclear_missing, arguments.exclusion),
    )
    if not any(given):
        return None
    if arguments.labeller and (arguments.rule or arguments.labellers):
        raise RequestError("Give --labeller NAME, or --rule and --labellers; not both.")
    over = [study for study in studies(database) if experiment_id in study.experiment_ids]
    people = {person.name for study in over for person in labellers(database, study.id)}
    named = [arguments.labeller] if arguments.labeller else arguments.labellers
    _known("labeller", named, people)
    _known("study", arguments.studies, [study.id for study in over])
    return JudgingRule(
        "labeller" if arguments.labeller else arguments.rule or "majority",
        arguments.labeller,
        "missing" if arguments.unclear_missing else "disagree",
        tuple(arguments.studies),
        arguments.exclusion,
        tuple(arguments.labellers),
    )


def _known(what: str, named: Sequence[str], there: Collection[str]) -> None:
    for name in named:
        if name not in there:
            choices = ", ".join(sorted(there)) or "none yet"
            raise RequestError(
                f"This experiment's studies have no {what} “{name}”; there are: {choices}."
                if what == "labeller"
                else f"No study “{name}” is of this experiment; there are: {choices}."
            )
