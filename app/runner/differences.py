"""In what stored experiments differ, so that two definitions need not be read side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from data.experiments import Experiment, StoredCondition

Described = Mapping[str, str]


def described(one: Experiment, cells: Sequence[StoredCondition]) -> Described:
    """Everything that decides an experiment's results, a line each, in words."""
    searched = [cell for cell in cells if cell.role == "search"]
    definition = one.definition
    return {
        "Generator": one.generator,
        "Generator's weights": one.generator_checksum[:12] or "not fetched yet",
        "Classifiers": _listed(cell.classifier for cell in searched),
        "Classifiers' weights": _listed(
            f"{cell.classifier} {cell.classifier_checksum[:12] or 'not fetched yet'}"
            for cell in searched
        ),
        "Layer weights": _listed(
            f"{cell.subset}: {' '.join(f'{weight:g}' for weight in cell.layer_weights)}"
            for cell in searched
        ),
        "Searches": _listed(cell.search for cell in searched),
        "Schedules": _listed(
            f"{cell.schedule_name} ({_settings(cell.schedule)})" for cell in searched
        ),
        "Trials": str(one.trials),
        "Seed": str(one.seed),
        "Targeted": _yes(definition.get("targeted", True)),
        "Label and target": _chosen(definition.get("trial")),
        "Truncation": f"{definition.get('truncation', 1.0):g}",
        "Condition follows z": _yes(definition.get("condition_follows_z", True)),
        "Precision": str(definition.get("precision", "float32")),
        "Slots": str(definition.get("slots", "–")),
        "Controls": _listed(
            f"{cell.role.replace('-', ' ')} {cell.repetition}"
            for cell in cells
            if cell.role != "search"
        )
        or "none",
        "Perturbations kept": _yes(definition.get("keep_perturbations", False)),
        "Device": str(definition.get("device") or "the machine's own"),
        "Code": one.code_version,
    }


def differences(described: Sequence[Described]) -> dict[str, list[str]]:
    """What is not the same for all of them: its name, and what each has."""
    names = dict.fromkeys(name for one in described for name in one)
    values = {name: [one.get(name, "–") for one in described] for name in names}
    return {name: of for name, of in values.items() if len(set(of)) > 1}


def _listed(values: Any) -> str:
    return ", ".join(dict.fromkeys(values))


def _settings(schedule: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {value:g}" if isinstance(value, int | float) else f"{value}"
        for name, value in schedule.items()
    )


def _chosen(trial: Mapping[str, Any] | None) -> str:
    if trial is None:
        return "drawn"
    return f"{trial['label']} → {'any other' if trial['target'] is None else trial['target']}"


def _yes(value: object) -> str:
    return "yes" if value else "no"
