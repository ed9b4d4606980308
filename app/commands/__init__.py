"""The command line: one module a command, each with `HELP`, `add_arguments` and `run`."""

from __future__ import annotations

from app.commands import (
    backup,
    bundle,
    clean,
    experiment,
    map,
    models,
    passphrase,
    people,
    plan,
    report,
    restore,
    results,
    search,
    serve,
    study,
    verify,
    worker,
)

#: In the order in which they are met.
COMMANDS = {
    "serve": serve,
    "search": search,
    "experiment": experiment,
    "plan": plan,
    "results": results,
    "report": report,
    "map": map,
    "models": models,
    "study": study,
    "bundle": bundle,
    "passphrase": passphrase,
    "people": people,
    "backup": backup,
    "restore": restore,
    "verify": verify,
    "clean": clean,
    "worker": worker,
}
