"""A stored definition read back as the engine's own objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.experiment import Definition, Trial

#: Stored beside the fields of a Definition: the chosen label and target of an exploration, the
#: stored trial that it is to find again, and how an experiment was to be run. The slots can change
#: its results (across numbers of slots, float noise can turn a chaotic search); the others cannot.
BESIDE = ("trial", "again", "slots", "keep_perturbations", "device")


def read_definition(record: Mapping[str, Any]) -> Definition:
    """The definition in an experiment's row."""
    return Definition.from_json({key: value for key, value in record.items() if key not in BESIDE})


def same_results(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two stored definitions, with the same models, end in the same results."""
    return read_definition(one) == read_definition(other) and one["slots"] == other["slots"]


def read_trial(record: Mapping[str, Any]) -> Trial:
    """The only trial of an exploration, whose label and target were chosen, not drawn."""
    return Trial(**record["trial"])
