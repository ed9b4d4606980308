"""Ask for work: put a job into the table, and see to it that a worker is there to do it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from time import monotonic
from typing import Any

from sqlite_utils import Database

from app.runner import plan
from app.runner.lock import worker_alive
from app.runner.menu import Menu, read_menu
from app.runner.plain_request import require_plain_name
from app.runner.request import ExperimentRequest, RequestError, SearchRequest
from data.experiments import ConditionRow, create_experiment, experiment, extend_experiment
from data.home import CHECKOUT, Home, code_version
from data.jobs import BACKGROUND, INTERACTIVE, job_of, submit
from labelling.strength_draws import chosen_strengths

#: A worker that was started by a page and finds nothing to do ends after so long.
IDLE_SECONDS = 1800.0
#: After starting a worker, wait so long before starting another: it needs a moment to be seen.
START_SECONDS = 5.0

_started: dict[tuple[str, str], float] = {}


def default_device() -> str:
    """The device that pages submit to: PLAINVIEW_DEVICE, or "cpu"."""
    return os.environ.get("PLAINVIEW_DEVICE") or "cpu"


def submit_search(
    database: Database, home: Home, request: SearchRequest, *, device: str | None = None
) -> str:
    """Queue one interactive search and return its job's id. Raises RequestError."""
    menu = _menu(home)
    definition = plan.exploration(menu, request)
    name = plan.exploration_name(menu, definition)
    experiment_id = store_definition(
        database, menu, definition, kind="exploration", name=name, owner=request.owner
    )
    return submit(
        database,
        kind="search",
        experiment_id=experiment_id,
        owner=request.owner,
        device=device or default_device(),
        priority=INTERACTIVE,
    )


def submit_experiment(
    database: Database,
    home: Home,
    request: ExperimentRequest,
    name: str = "",
    *,
    device: str | None = None,
) -> str:
    """Queue a whole experiment and return its job's id. Raises RequestError."""
    menu = _menu(home)
    definition = plan.experiment(menu, request)
    experiment_id = store_definition(
        database, menu, definition, kind="experiment", name=name, owner=request.owner
    )
    return resume_experiment(database, experiment_id, owner=request.owner, device=device)


def resume_experiment(
    database: Database, experiment_id: str, *, owner: str, device: str | None = None
) -> str:
    """Queue what is missing of an experiment; its running job where it has one. The job's id."""
    stored = experiment(database, experiment_id)
    if stored is None:
        raise RequestError(f"There is no experiment {experiment_id}.")
    return submit(
        database,
        kind="experiment",
        experiment_id=experiment_id,
        owner=owner,
        device=device or stored.definition.get("device") or default_device(),
        priority=BACKGROUND,
    )


def submit_transfer(
    database: Database, experiment_id: str, *, owner: str, device: str | None = None
) -> str:
    """Queue the test of an experiment's pictures on every other classifier; the job's id."""
    return submit(
        database,
        kind="transfer",
        experiment_id=experiment_id,
        owner=owner,
        device=device or default_device(),
    )


def submit_strengths(
    database: Database, study_id: str, *, owner: str, device: str | None = None
) -> list[str]:
    """Queue what a study wants rendered at randomised strengths; a job's id for each experiment."""
    wanted = chosen_strengths(database, study_id)
    return [
        submit(
            database,
            kind="strength",
            experiment_id=experiment_id,
            owner=owner,
            device=device or default_device(),
            request={"study": study_id, "strengths": [list(one) for one in strengths]},
        )
        for experiment_id, strengths in wanted.items()
    ]


def extend_stored(database: Database, experiment_id: str, trials: int, *, owner: str) -> int:
    """Give a stored experiment more trials; how many it now has. Nothing is run by this.

    Raises RequestError where it has so many already, or is at work.
    """
    stored = experiment(database, experiment_id)
    if stored is None:
        raise RequestError(f"There is no experiment {experiment_id}.")
    if trials <= stored.trials:
        raise RequestError(
            f"The experiment has {stored.trials} trials already: give a larger number to extend it."
        )
    working = job_of(database, experiment_id)
    if working is not None and working.active:
        raise RequestError("The experiment is at work: extend it once it has ended, or stop it.")
    made_up = stored.name == plan.experiment_name(stored.definition)
    extend_experiment(
        database,
        experiment_id,
        trials,
        code_version=code_version(),
        by=owner,
        name=plan.experiment_name({**stored.definition, "trials": trials}) if made_up else None,
    )
    return trials


def store_definition(
    database: Database,
    menu: Menu,
    definition: Mapping[str, Any],
    *,
    kind: str,
    name: str,
    owner: str,
) -> str:
    """Store an experiment's row and those of its conditions; the experiment's id.

    Raises RequestError for a name, and a device, that is no plain words.
    """
    require_plain_name(name, field="The experiment's name", who=owner)
    require_plain_name(definition.get("device") or "", field="The device", who=owner)
    generator = menu.generators[definition["generator"]]
    return create_experiment(
        database,
        kind=kind,
        name=name or plan.experiment_name(definition),
        definition=definition,
        conditions=[
            ConditionRow(
                classifier_checksum=menu.classifiers[condition["classifier"]].checksum or "",
                **condition,
            )
            for condition in definition["conditions"]
        ],
        code_version=code_version(),
        generator=generator.name,
        # Of weights that are fetched on first use the checksum is recorded then.
        generator_checksum=generator.checksum or "",
        seed=definition["seed"],
        trials=definition["trials"],
        created_by=owner,
    )


def ensure_worker(home: Home, device: str | None = None) -> bool:
    """Start a worker for the device when none is alive; whether one is alive or on its way.

    The worker belongs to no one: it outlives the page and the server that started it, and ends by
    itself when there was nothing to do for half an hour.
    """
    device = device or default_device()
    if worker_alive(home, device):
        return True
    key = (str(home.root), device)
    if monotonic() - _started.get(key, -START_SECONDS) < START_SECONDS:
        return True
    _started[key] = monotonic()
    with (home.logs / f"worker-{device.replace(':', '-')}.output").open("ab") as output:
        subprocess.Popen(
            [
                *(sys.executable, "-m", "app", "worker"),
                *("--home", str(home.root), "--device", device),
                *("--idle-minutes", f"{IDLE_SECONDS / 60:g}"),
            ],
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return True


def _menu(home: Home) -> Menu:
    menu = read_menu(home)
    if menu is None:
        raise RequestError("The worker is still starting: try again in a moment.")
    return menu
