"""A stored definition read back as the engine's own objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.experiment import Definition, Trial

#: Stored beside the fields of a Definition: the chosen label and target of an exploration, and how
#: an experiment was run, where that can change its results (across numbers of slots, float noise
#: can turn a chaotic search).
BESIDE = ("trial", "slots")


def read_definition(record: Mapping[str, Any]) -> Definition:
    """The definition in an experiment's row."""
    return Definition.from_json({key: value for key, value in record.items() if key not in BESIDE})


def read_trial(record: Mapping[str, Any]) -> Trial:
    """The only trial of an exploration, whose label and target were chosen, not drawn."""
    return Trial(**record["trial"])
