"""One cell of an imported table of judgements: its value, or what is wrong with it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import pandas as pd

from data.assignments import COUNTED, PRACTICE, REPEATED
from data.judgements import SIDES
from data.stamps import timestamp
from labelling.answers import Answer
from labelling.options import StudyError, StudyOptions
from labelling.pool import CONTENT, CONTROLS, PRACTICE_KIND
from labelling.queue import LONGEST_COMMENT

ITEM_KINDS = (*sorted(CONTENT), *CONTROLS, PRACTICE_KIND)
#: What SQLite's whole numbers hold.
MOST = 2**63 - 1


class CellError(ValueError):
    """What is wrong with one cell, without its line."""


@dataclass(frozen=True)
class Cell:
    """A cell as it stands in a file: of which column, of which type, and what was written."""

    name: str
    type: str
    written: object

    @property
    def empty(self) -> bool:
        """Whether nothing stands there."""
        it = self.written
        missing = it is None or it is pd.NA or it is pd.NaT or (isinstance(it, str) and not it)
        return missing or (isinstance(it, float) and math.isnan(it))

    def value(self) -> Any:
        """What is stored. Raises CellError."""
        try:
            value = _OF_TYPE[self.type](self.written)
        except (TypeError, ValueError, KeyError, InvalidOperation):
            raise CellError(f"{self.name} {self._shown} is not {_KINDS[self.type]}") from None
        return _OF_NAME.get(self.name, lambda cell, value: value)(self, value)

    @property
    def _shown(self) -> str:
        text = repr(self.written)
        return text if len(text) <= 60 else f"{text[:60]}…"


def _text(written: object) -> str:
    if not isinstance(written, str):
        raise TypeError
    written.encode("utf-8")  # JSON may bring half a character
    return written


def _whole(written: object) -> int:
    number = Decimal(str(written))
    if not number.is_finite() or abs(number) > MOST or number != number.to_integral_value():
        raise ValueError
    return int(number)


def _number(written: object) -> float:
    number = float(str(written))
    if not math.isfinite(number):
        raise ValueError
    return number


def _truth(written: object) -> bool:
    return {"true": True, "1": True, "false": False, "0": False}[str(written).lower()]


_OF_TYPE: dict[str, Callable[[object], Any]] = {
    "Int64": _whole,
    "Float64": _number,
    "string": _text,
    "boolean": _truth,
}
_KINDS = {
    "Int64": "a whole number",
    "Float64": "a number",
    "string": "text",
    "boolean": "True or False",
}


def _not_below_0(cell: Cell, value: float) -> float:
    if value < 0:
        raise CellError(f"{cell.name} {value} is below 0")
    return value


def _one_of(*choices: object) -> Callable[[Cell, Any], Any]:
    *first, last = map(str, choices)

    def chosen(cell: Cell, value: Any) -> Any:
        if value not in choices:
            raise CellError(f"{cell.name} {cell._shown} is not {', '.join(first)} or {last}")
        return value

    return chosen


def _moment(cell: Cell, value: str) -> str:
    """The time as this program writes it, so that text order is time order."""
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError
        return timestamp(moment)
    except (ValueError, OverflowError):
        raise CellError(
            f"{cell.name} {cell._shown} is no time such as 2026-11-21T09:30:00Z"
        ) from None


def _object(cell: Cell, value: str) -> Mapping[str, Any]:
    try:
        it = json.loads(value, parse_constant=_no_constant)
        value.encode("utf-8")
    except (ValueError, RecursionError):
        raise CellError(f"{cell.name} is not JSON") from None
    if not isinstance(it, dict):
        raise CellError(f"{cell.name} {cell._shown} is no JSON object {{…}}")
    return it


def _no_constant(name: str) -> float:
    raise ValueError(f"JSON has no {name}")


def _details(cell: Cell, value: str) -> Mapping[str, Any]:
    """`expected`, where it is there, says which answers are right: {"source": [1]}."""
    it = _object(cell, value)
    expected = it.get("expected", {})
    sound = isinstance(expected, dict) and all(
        side in SIDES and isinstance(answers, list) and all(one in tuple(Answer) for one in answers)
        for side, answers in expected.items()
    )
    if not sound:
        raise CellError(f'{cell.name}: expected must be such as {{"source": [1]}}')
    return it


def _options(cell: Cell, value: str) -> Mapping[str, Any]:
    it = _object(cell, value)
    try:
        StudyOptions.of(it)
    except StudyError as error:
        raise CellError(f"{cell.name}: {str(error).rstrip('.')}") from None
    return it


def _words(cell: Cell, value: str) -> str:
    if len(value) > LONGEST_COMMENT:
        raise CellError(f"{cell.name} has more than {LONGEST_COMMENT} characters")
    return value


#: What a column's values must be, beside their type.
_OF_NAME: dict[str, Callable[[Cell, Any], Any]] = {
    "study_options": _options,
    "item_kind": _one_of(*ITEM_KINDS),
    "item_details": _details,
    "side": _one_of(*SIDES),
    "label": _not_below_0,
    "answer": _one_of(*(int(answer) for answer in Answer)),
    "repeat": _one_of(COUNTED, PRACTICE, REPEATED),
    "response_ms": _not_below_0,
    "hidden_ms": _not_below_0,
    "searches": _not_below_0,
    "shown_at": _moment,
    "answered_at": _moment,
    "comment": _words,
    "purpose": _words,
}
