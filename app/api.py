"""Searches and experiments from Python: what pages and the command line do, as functions.

A home folder holds everything (see `data.home`); the same experiment defined twice in one home is
one experiment, which goes on where it was. docs/api.md has an example.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import torch
from sqlite_utils import Database

from app.charts.success import success_curves as draw_curves
from app.charts.theme import classifier_colours
from app.runner import plan
from app.runner.cluster import cluster_course
from app.runner.cost import Cost
from app.runner.course import Course, Progress
from app.runner.definition import same_results
from app.runner.experiment_course import experiment_course
from app.runner.foreground import run_here
from app.runner.menu import Menu
from app.runner.models import Models
from app.runner.request import ExperimentRequest, RequestError, SearchRequest
from app.runner.search_course import search_course
from app.runner.submit import extend_stored, store_definition
from app.runner.table import find_experiment, result_object, result_objects
from app.runner.timing import cost_course
from data.database import open_database
from data.experiments import StoredCondition, conditions, experiments
from data.experiments import experiment as stored_experiment
from data.home import home
from data.results import missing_counts
from data.results import result as stored_result
from engine.search.result import Result
from labelling.curves import success_curves
from labelling.distances import means_and_distances
from labelling.eligibility import JudgingRule, finished_part, trial_table
from labelling.estimands import ESTIMANDS, RAW, Estimand

__all__ = [
    "ExperimentRequest",
    "JudgingRule",
    "RequestError",
    "SearchRequest",
    "cost",
    "curves",
    "define",
    "extend",
    "figure",
    "means",
    "menu",
    "results",
    "run",
    "search",
    "trials",
]

OnProgress = Callable[[Progress], None]
Folder = str | Path | None


def menu(folder: Folder = None) -> Menu:
    """What can be asked for: generators with their points and presets, classifiers, schedules."""
    return Models(home(folder)).menu()


def search(
    request: SearchRequest,
    folder: Folder = None,
    *,
    device: str = "cpu",
    threads: int = 1,
    on_progress: OnProgress = lambda progress: None,
) -> dict[str, Any]:
    """Run one search and return its result, stored in the home as an exploration.

    Raises RequestError for a request that cannot be met, ModelError for weights that are missing.
    """
    place = home(folder)
    torch.set_num_threads(threads)
    with closing(open_database(place)) as database:
        models = Models(place, device)
        choices = models.menu()
        definition = plan.exploration(choices, request)
        experiment_id = store_definition(
            database,
            choices,
            definition,
            kind="exploration",
            name=plan.exploration_name(choices, definition),
            owner=request.owner,
        )
        stored = stored_experiment(database, experiment_id)
        assert stored is not None
        steps = run_here(
            database,
            experiment_id,
            kind="search",
            owner=request.owner,
            device=device,
            course=lambda job_id: search_course(database, place, models, stored, job_id),
        )
        with closing(steps):
            for progress in steps:
                on_progress(progress)
        [condition] = conditions(database, experiment_id)
        result = stored_result(database, condition.id, 0)
        if result is None:
            raise RequestError("The search was stopped from a page before it ended.")
        return result_object(database, condition, result)


def define(
    request: ExperimentRequest, folder: Folder = None, *, name: str = "", new: bool = False
) -> str:
    """Store an experiment and return its id; that of the same one where the home has it already.

    The same: equal in everything that decides its results, the models' weights included. `new`
    asks for another one all the same, to see how much repeated runs differ. Raises RequestError.
    """
    place = home(folder)
    with closing(open_database(place)) as database:
        choices = Models(place).menu()
        definition = plan.experiment(choices, request)
        known = None if new else _same(database, choices, definition)
        return known or store_definition(
            database, choices, definition, kind="experiment", name=name, owner=request.owner
        )


def cost(
    what: ExperimentRequest | str,
    folder: Folder = None,
    *,
    device: str = "cpu",
    threads: int | None = None,
    new: bool = False,
    on_progress: OnProgress = lambda progress: None,
) -> Cost:
    """What a request, or what is missing of a stored experiment, will cost on this device.

    A few real steps of each condition are timed; speeds are kept for a day. `cost.in_words` says it
    in a sentence. Raises RequestError.
    """
    place = home(folder)
    torch.set_num_threads(threads or len(os.sched_getaffinity(0)))
    with closing(open_database(place)) as database:
        models = Models(place, device)
        if isinstance(what, str):
            known, definition = what, find_experiment(database, what).definition
        else:
            choices = models.menu()
            definition = plan.experiment(choices, what)
            known = None if new else _same(database, choices, definition)
        told: list[Cost] = []
        course = cost_course(
            database,
            place,
            models,
            definition,
            missing=known and missing_counts(database, known, definition["trials"]),
            tell=told.append,
        )
        for progress in course:
            on_progress(progress)
        return told[0]


def extend(experiment_id: str, trials: int, folder: Folder = None) -> int:
    """Give a stored experiment more trials, and return how many it has; `run` computes the new.

    What it was before is kept in its history. Raises RequestError for no more than it has.
    """
    with closing(open_database(home(folder))) as database:
        return extend_stored(
            database, find_experiment(database, experiment_id).id, trials, owner=getpass.getuser()
        )


def run(
    experiment_id: str,
    folder: Folder = None,
    *,
    device: str = "cpu",
    threads: int | None = None,
    cluster: str | None = None,
    on_progress: OnProgress = lambda progress: None,
) -> Iterator[dict[str, Any]]:
    """Run what is missing of an experiment, and yield all its results: one dictionary a trial.

    Those that are stored come first, by condition and index, then the others as they end. Leaving
    the loop stops the run; the same call goes on from there. `threads`: default all. `cluster`: the
    address of a Ray cluster whose workers, each of one GPU or of `threads` cores (default: 1),
    compute instead of this process, which alone writes.
    """
    place = home(folder)
    torch.set_num_threads(threads or len(os.sched_getaffinity(0)))
    with closing(open_database(place)) as database:
        stored = find_experiment(database, experiment_id)
        yield from result_objects(database, stored.id)
        models = Models(place, device if cluster is None else "cpu")
        fresh: list[tuple[StoredCondition, int]] = []

        def remember(condition: StoredCondition, result: Result) -> None:
            fresh.append((condition, result.trial.index))

        def course(job_id: str) -> Course:
            if cluster is None:
                return experiment_course(database, place, models, stored, on_result=remember)
            return cluster_course(
                *(database, place, models, stored),
                address=cluster,
                device=device,
                threads=threads or 1,
                on_result=remember,
            )

        steps = run_here(
            database,
            stored.id,
            kind="experiment",
            owner=getpass.getuser(),
            device=device if cluster is None else f"{device} of {cluster}",
            course=course,
        )
        with closing(steps):
            for progress in steps:
                on_progress(progress)
                for condition, index in fresh:
                    row = stored_result(database, condition.id, index)
                    assert row is not None
                    yield result_object(database, condition, row)
                fresh.clear()


def results(experiment_id: str, folder: Folder = None) -> list[dict[str, Any]]:
    """The stored results of an experiment, by condition and index: one dictionary a trial."""
    with closing(open_database(home(folder))) as database:
        return list(result_objects(database, find_experiment(database, experiment_id).id))


def trials(
    experiment_id: str, folder: Folder = None, *, rule: JudgingRule | None = None
) -> pd.DataFrame:
    """The searched trials with what people's judgements come to: one row a trial and condition.

    Columns as in `labelling.eligibility.trial_table`; `rule`: whose judgements count (default: the
    majority). Trials behind the first one that has not ended are left out, since easy ones end
    first.
    """
    with closing(open_database(home(folder))) as database:
        found = find_experiment(database, experiment_id)
        return finished_part(trial_table(database, [found.id], rule))


def curves(
    experiment_id: str,
    folder: Folder = None,
    *,
    estimand: str = RAW.key,
    rule: JudgingRule | None = None,
) -> pd.DataFrame:
    """The magnitude–success curves, as `labelling.curves.success_curves` describes them.

    `estimand`: raw, source-judged, fooled-while-people-agree or as-published. Raises RequestError.
    """
    return success_curves(trials(experiment_id, folder, rule=rule), _estimand(estimand))


def means(
    experiment_id: str,
    folder: Folder = None,
    *,
    estimand: str = RAW.key,
    rule: JudgingRule | None = None,
    limit: float | None = None,
) -> pd.DataFrame:
    """The table of restricted means to M_max, as `labelling.means.table_of_means` describes it.

    Beside the magnitudes stand mean_pixel_l2, mean_pixel_linf and mean_ssim, over the trials of the
    plain mean (`labelling.distances.mean_distances`).
    """
    frame = trials(experiment_id, folder, rule=rule)
    with closing(open_database(home(folder))) as database:
        return means_and_distances(database, frame, _estimand(estimand), limit)


def figure(
    experiment_id: str,
    folder: Folder = None,
    *,
    estimand: str = RAW.key,
    rule: JudgingRule | None = None,
) -> go.Figure:
    """The curves as a Plotly figure, as on the Results page. Of one search on one schedule.

    Raises RequestError for an unknown estimand, several searches, or where nothing is known.
    """
    frame = curves(experiment_id, folder, estimand=estimand, rule=rule)
    if frame.empty:
        raise RequestError(f"Nothing is known yet of “{estimand}” in experiment {experiment_id}.")
    if len(frame[["search", "schedule_name"]].drop_duplicates()) > 1:
        raise RequestError("Magnitudes of several searches or schedules do not go into one chart.")
    judged = (rule or JudgingRule()).in_words()
    return draw_curves(
        frame,
        focus=estimand,
        colours=classifier_colours(frame["classifier"].unique()),
        title=f"Proportion fooled against perturbation magnitude: {_estimand(estimand).name}",
        subtitle=[
            f"Experiment {experiment_id}",
            "No judgement is used."
            if estimand == RAW.key
            else f"A picture shows its label by {judged}.",
        ],
    )


def _estimand(key: str) -> Estimand:
    if key not in ESTIMANDS:
        raise RequestError(f"There is no estimand “{key}”; choose from {', '.join(ESTIMANDS)}.")
    return ESTIMANDS[key]


def _same(database: Database, choices: Menu, definition: dict[str, Any]) -> str | None:
    """The newest experiment of this very definition with these very weights."""
    generator = choices.generators[definition["generator"]]
    for known in experiments(database, kind="experiment"):
        same = same_results(known.definition, definition)
        if same and known.generator_checksum == (generator.checksum or ""):
            checksums = {
                c.classifier: c.classifier_checksum for c in conditions(database, known.id)
            }
            if all((choices.classifiers[n].checksum or "") == sha for n, sha in checksums.items()):
                return known.id
    return None
