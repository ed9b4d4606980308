"""Items that check the labeller: known answers, false labels, and pairs of one image twice.

What each is right about is known by construction, or said by the researcher:
- gold: the researcher says what the image shows (or an imported table does);
- false label: the image of a source whose generator was asked for another label; "something else"
  is right. It catches people who say yes to everything. Where the generator did not draw what it
  was asked for, this can be wrong, as the source's own judgement shows;
- catch pair: the same image twice; whoever calls it y once and not y the next moment did not look.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from data.studies import ItemRow
from labelling.answers import Answer
from labelling.options import StudyError, StudyOptions


@dataclass(frozen=True)
class Gold:
    """An image of which the researcher knows what is right to answer about a label."""

    stimulus: str
    label: int
    answer: Answer


def known(**sides: Answer) -> dict[str, Any]:
    """`details` of an item whose right answers are known, by side."""
    return {"expected": {side: [int(answer)] for side, answer in sides.items()}}


def one_vocabulary(item: ItemRow) -> str:
    """For items whose labels are all numbered alike."""
    return ""


def add_controls(
    content: Sequence[ItemRow],
    gold: Sequence[ItemRow],
    options: StudyOptions,
    *,
    relabel: Callable[[ItemRow, int], ItemRow],
    vocabulary: Callable[[ItemRow], str] = one_vocabulary,
    seed: int,
) -> list[ItemRow]:
    """`content` with the practice before it and the controls after it.

    gold
        Items whose `details` have the right answers: the first are for practice.
    relabel
        An item's image asked about under another label, with that label's texts.
    vocabulary
        Names whose label numbers an item has: a false label is another of the same. Somebody else's
        number 3 is another thing, and a digit asked about as a dog would catch nobody.
    seed
        Decides which images are used.

    Raises StudyError where there are fewer gold items than wanted, or only one label.
    """
    draws = random.Random(seed)
    practice = [replace(item, kind="practice") for item in gold[: options.practice_items]]
    checks = [replace(item, kind="gold") for item in gold[options.practice_items :]]
    wanted_gold = 1 if options.gold_share else 0
    if len(gold) < options.practice_items + wanted_gold:
        raise StudyError(
            f"{options.practice_items} items for practice"
            + (" and a share of gold items" if wanted_gold else "")
            + f" need more images of known answer than {len(gold)}: mark more, or ask for less."
        )
    return [
        *practice,
        *content,
        *(checks if options.gold_share else ()),
        *_false_labels(content, options.false_label_share, relabel, vocabulary, draws),
        *_catch_pairs(content, options.catch_share, draws),
    ]


def _count(content: Sequence[ItemRow], share: float) -> int:
    """As many as anybody can need: the share of all content, and one for rounding."""
    return ceil(len(content) * share) + 1 if share else 0


def _sources(content: Sequence[ItemRow], draws: random.Random) -> list[ItemRow]:
    """One item a source, in random order."""
    sources = list({(item.source_stimulus, item.label): item for item in content}.values())
    draws.shuffle(sources)
    return sources


def _false_labels(
    content: Sequence[ItemRow],
    share: float,
    relabel: Callable[[ItemRow, int], ItemRow],
    vocabulary: Callable[[ItemRow], str],
    draws: random.Random,
) -> list[ItemRow]:
    count = _count(content, share)
    labels: dict[str, set[int]] = {}
    for item in content:
        labels.setdefault(vocabulary(item), set()).add(item.label)
    sources = [item for item in _sources(content, draws) if len(labels[vocabulary(item)]) > 1]
    if count and not sources:
        raise StudyError(
            "False labels need images of at least two labels; these experiments have one."
        )
    items = []
    for item in sources[:count]:
        other = draws.choice(sorted(labels[vocabulary(item)] - {item.label}))
        items.append(
            replace(
                relabel(item, other),
                perturbed_stimulus=None,
                kind="false-label",
                details=known(source=Answer.SOMETHING_ELSE),
            )
        )
    return items


def _catch_pairs(content: Sequence[ItemRow], share: float, draws: random.Random) -> list[ItemRow]:
    pairs = [item for item in content if item.perturbed_stimulus is not None]
    return [
        replace(
            item,
            perturbed_stimulus=item.source_stimulus,
            kind="catch",
            details=known(perturbed=Answer.LABEL),
        )
        for item in _sources(pairs, draws)[: _count(content, share)]
    ]
