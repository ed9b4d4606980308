"""What the rows of an imported log must agree on among themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Rows = Sequence[tuple[int, Mapping[str, Any]]]

#: What has one value wherever it stands: of whom or what, which columns name it, which agree.
_ALIKE = (
    ("study", ("study",), ("study_name", "study_options")),
    ("labeller", ("study", "labeller"), ("labeller_name", "withdrawn", "purpose")),
    (
        "item",
        ("study", "item"),
        (
            *("item_kind", "item_details", "source_stimulus", "perturbed_stimulus"),
            *("label", "phrase", "search_term", "gloss"),
        ),
    ),
    ("labeller's item", ("study", "labeller", "item"), ("comment",)),
)
#: A study asks the same question once.
_QUESTION = ("study", "source_stimulus", "perturbed_stimulus", "label", "item_kind")
#: What a judgement and the one that it supersedes have in common.
_LIKE = ("study", "labeller", "side", "stimulus", "label", "repeat")


def inconsistent(rows: Rows, unit: str) -> Iterator[tuple[int, str]]:
    """(line, what is wrong) of rows that are sound by themselves; `unit` is "line" or "row"."""
    yield from _not_alike(rows, unit)
    numbered: dict[int, tuple[int, Mapping[str, Any]]] = {}
    for line, row in rows:
        first, _ = numbered.setdefault(row["judgement"], (line, row))
        if first != line:
            yield line, f"judgement {row['judgement']} is there twice, first in {unit} {first}"
    yield from _superseding_wrong(rows, numbered, unit)
    yield from _standing_wrong(rows)


def _not_alike(rows: Rows, unit: str) -> Iterator[tuple[int, str]]:
    first: dict[tuple[Any, ...], tuple[int, Mapping[str, Any]]] = {}
    questions: dict[tuple[Any, ...], tuple[int, int]] = {}
    for line, row in rows:
        for noun, names, columns in _ALIKE:
            key = (noun, *_values(row, names))
            before, its = first.setdefault(key, (line, row))
            for column in columns:
                if row[column] != its[column]:
                    yield (
                        line,
                        f"{column} differs from that of the same {noun} in {unit} {before}",
                    )
        before, item = questions.setdefault(_values(row, _QUESTION), (line, row["item"]))
        if item != row["item"]:
            yield (
                line,
                f"item {row['item']} asks what item {item} asks in {unit} {before}: one"
                " question has one number",
            )


def _superseding_wrong(
    rows: Rows, numbered: Mapping[int, tuple[int, Mapping[str, Any]]], unit: str
) -> Iterator[tuple[int, str]]:
    firsts: dict[tuple[Any, ...], int] = {}
    replaced: dict[int, int] = {}
    for line, row in rows:
        number, supersedes = row["judgement"], row["supersedes"]
        if supersedes is None:
            before = firsts.setdefault(_values(row, _LIKE), line)
            if before != line:
                yield (
                    line,
                    f"judgement {number} is of the same image by the same labeller as in {unit}"
                    f" {before}, in the same round, and supersedes none",
                )
            continue
        _, earlier = numbered.get(supersedes, (0, None))
        if (
            earlier is None
            or supersedes >= number
            or _values(earlier, _LIKE) != _values(row, _LIKE)
        ):
            yield (
                line,
                f"supersedes {supersedes}, which is no earlier judgement of the same image by the"
                " same labeller",
            )
        before = replaced.setdefault(supersedes, line)
        if before != line:
            yield line, f"supersedes {supersedes}, which {unit} {before} does already"


def _standing_wrong(rows: Rows) -> Iterator[tuple[int, str]]:
    replaced = {row["supersedes"] for _, row in rows}
    for line, row in rows:
        why_not = [
            reason
            for reason, holds in (
                ("superseded", row["judgement"] in replaced),
                ("undone", row["undone"]),
                ("withdrawn", row["withdrawn"]),
            )
            if holds
        ]
        if row["stands"] and why_not:
            yield line, f"stands is True, and the judgement is {' and '.join(why_not)}"
        if not row["stands"] and not why_not:
            yield line, "stands is False, and it is neither superseded, undone nor withdrawn"


def _values(row: Mapping[str, Any], names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)
