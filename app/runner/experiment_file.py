"""An experiment as a small TOML file: what the flags of `experiment` and the page say, on disk.

docs/experiments.md has an example with every key.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Any

from app.runner.request import ExperimentRequest, RequestError

#: What stands at the top of a file, in the order in which it is written, and in [controls].
KEYS = (
    *("name", "generator", "classifiers", "subsets", "searches", "schedules", "budget", "trials"),
    *("seed", "targeted", "truncation", "condition_follows_z", "slots", "precision"),
    *("keep_perturbations", "device", "controls"),
)
CONTROLS = ("random_directions", "repeats")
_LISTS = ("classifiers", "subsets", "searches", "schedules")
_REQUIRED = ("generator", "classifiers")


def read_experiment_file(
    text: str, *, owner: str = "local", called: str = "the file"
) -> tuple[ExperimentRequest, str]:
    """The request in a TOML file, and the name it gives to the experiment ("" for none).

    Raises RequestError, which names the key and its line, for what is no request. Whether there
    are such models is for `plan.experiment` to say: `located` adds the line to what that raises.
    """
    try:
        record = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RequestError(f"{called} is no TOML file: {error}.") from error
    try:
        controls = record.pop("controls", {})
        if not isinstance(controls, dict):
            raise RequestError("Write the controls as a table: [controls].", "controls")
        _known(controls, CONTROLS)
        _known(record, KEYS)
        for key in _REQUIRED:
            if key not in record:
                raise RequestError(f"The key “{key}” is missing: it has no default.")
        values = {key: _value(key, value) for key, value in {**record, **controls}.items()}
    except RequestError as error:
        raise located(error, text, called) from error
    name = values.pop("name", "")
    return ExperimentRequest(**values, owner=owner), name


def located(error: RequestError, text: str, called: str = "the file") -> RequestError:
    """The error with the key and the line of the file that it is about."""
    if error.key is None:
        return RequestError(f"{called}: {error}")
    line = _line(text, error.key)
    where = called if line is None else f"{called}, line {line}"
    return RequestError(f"{where}, {error.key}: {error}", error.key)


def write_experiment_file(request: ExperimentRequest, name: str = "") -> str:
    """The TOML file of a request; what equals its default is left out."""
    usual = {field.name: field.default for field in fields(ExperimentRequest)}
    lines = [f"name = {_toml(name)}"] if name else []
    for key in KEYS:
        value = getattr(request, key, None)
        if key in _REQUIRED or key in ("trials", "seed") or (key in usual and value != usual[key]):
            lines.append(f"{key} = {_toml(value)}")
    controls = [
        f"{key} = {getattr(request, key)}"
        for key in CONTROLS
        if getattr(request, key) != usual[key]
    ]
    if controls:
        lines += ["", "[controls]", *controls]
    return "\n".join(lines) + "\n"


def _known(table: Mapping[str, Any], keys: tuple[str, ...]) -> None:
    for key in table:
        if key not in keys:
            near = get_close_matches(key, keys, n=1)
            hint = f"did you mean {near[0]}? The" if near else "the"
            raise RequestError(f"There is no such key; {hint} keys are {', '.join(keys)}.", key)


def _value(key: str, value: Any) -> Any:
    """The value in the form of the request's field. Raises RequestError for another type."""
    if key in _LISTS:
        listed = value if isinstance(value, list) else [value]
        of = (str, dict) if key == "subsets" else (str,)
        if not all(isinstance(one, of) for one in listed):
            raise RequestError(f"Give {_WORDS[key]}, not {_toml(value)}.", key)
        return tuple(_layer_weights(one) if isinstance(one, dict) else one for one in listed)
    wanted = _TYPES[key]
    if isinstance(value, bool) is not (wanted is bool) or not isinstance(
        value, (int, float) if wanted is float else wanted
    ):
        raise RequestError(f"Give {_IN_WORDS[wanted]}, not {_toml(value)}.", key)
    return wanted(value)


def _layer_weights(table: Mapping[str, Any]) -> dict[str, float]:
    for point, weight in table.items():
        if isinstance(weight, bool) or not isinstance(weight, (int, float)):
            raise RequestError(
                f"The layer weight of {point} is a number of 0 or more, not {_toml(weight)}.",
                "subsets",
            )
    return {point: float(weight) for point, weight in table.items()}


_TYPES: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("name", "generator", "precision", "device"), str),
    **dict.fromkeys(("budget", "trials", "seed", "slots", *CONTROLS), int),
    **dict.fromkeys(("targeted", "condition_follows_z", "keep_perturbations"), bool),
    "truncation": float,
}
_IN_WORDS = {
    str: 'text in quotes, such as "mnist-conv"',
    int: "a whole number",
    bool: "true or false",
    float: "a number",
}
_WORDS = {
    "classifiers": 'a list of names, such as ["mnist-standard", "mnist-robust"]',
    "subsets": 'a list of presets and of layer weights, such as ["first", {z = 1, conv-1 = 0.5}]',
    "searches": 'a list of names, such as ["relaxation", "minimum-norm"]',
    "schedules": 'a list of names, such as ["imagenet", "mnist"]',
}


def _line(text: str, key: str) -> int | None:
    """The number of the line on which the key is set, from 1."""
    sets = re.compile(rf"""\s*(controls\s*\.\s*)?["']?{re.escape(key)}["']?\s*=|\s*\[{key}\]""")
    return next(
        (number for number, line in enumerate(text.splitlines(), 1) if sets.match(line)), None
    )


def _toml(value: Any) -> str:
    """A value as TOML; strings of JSON are strings of TOML."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_key(k)} = {_toml(v)}' for k, v in value.items())}}}"
    if isinstance(value, (str, bool, int, float)):
        return json.dumps(value, ensure_ascii=False)
    return f'"{value}"'  # a date or time, which only a message quotes


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)
