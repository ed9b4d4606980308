"""Making a study out of experiments, and inviting people to it."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlite_utils import Database

from data import studies
from data.database import immediate
from data.experiments import conditions, experiment
from data.labellers import Labeller, add_labeller
from data.studies import ItemRow
from labelling.controls import Gold, add_controls, known, one_vocabulary
from labelling.options import StudyError, StudyOptions
from labelling.plain_words import require_all_plain, require_plain

DEFAULT = StudyOptions()
NAMELESS = "Give the study a name."


@dataclass(frozen=True)
class LabelText:
    """How people are asked about one label: "a seven", what to search the web for, a gloss."""

    phrase: str
    search_term: str
    gloss: str | None = None


#: Generator's name and label → its text; the catalogue knows, and labelling does not know that.
LabelTexts = Callable[[str, int], LabelText]


def create_study(
    database: Database,
    experiment_ids: Sequence[str],
    name: str,
    *,
    label_text: LabelTexts,
    created_by: str,
    options: StudyOptions = DEFAULT,
    gold: Sequence[Gold] = (),
) -> str:
    """Store a study over the found results of some experiments and return its id.

    One item a distinct (source stimulus, perturbed stimulus, label), condition by condition, which
    is what `labelling.order.ordered` interleaves. With `options.exhausted_sources` a trial that has
    no pair (exhausted, or, where any wrong label will do, skipped because the classifier was wrong
    already) and whose source no item has adds an item of the source alone: the trial counts among
    the eligible only if people say that the source shows its label. `gold` are images of known
    answer, for practice and as controls.

    Raises StudyError without a name, for an unknown experiment, and where nothing can be asked.
    """
    if not name.strip():
        raise StudyError(NAMELESS)
    if not experiment_ids:
        raise StudyError("Choose at least one experiment.")
    unknown = [one for one in experiment_ids if experiment(database, one) is None]
    if unknown:
        raise StudyError(f"There is no experiment {unknown[0]}; choose from the list.")
    items = [*_pairs(database, experiment_ids, label_text)]
    if options.exhausted_sources:
        items += _lone_sources(database, experiment_ids, label_text, items)
    if not items:
        raise StudyError("These experiments have found nothing yet that people could judge.")
    drawn_by = _generators(database, experiment_ids)

    def texts(stimulus: str, label: int) -> LabelText:
        return label_text(drawn_by[stimulus], label)

    def relabel(item: ItemRow, label: int) -> ItemRow:
        text = texts(item.source_stimulus, label)
        return _item(item.source_stimulus, item.perturbed_stimulus, label, text)

    known_answers = [
        replace(
            _item(one.stimulus, None, one.label, texts(one.stimulus, one.label)),
            details=known(source=one.answer),
        )
        for one in gold
    ]
    return store_study(
        database,
        items,
        name,
        options=options,
        gold=known_answers,
        relabel=relabel,
        vocabulary=lambda item: drawn_by[item.source_stimulus],
        created_by=created_by,
        experiment_ids=experiment_ids,
    )


def store_study(
    database: Database,
    content: Sequence[ItemRow],
    name: str,
    *,
    options: StudyOptions,
    gold: Sequence[ItemRow],
    relabel: Callable[[ItemRow, int], ItemRow],
    vocabulary: Callable[[ItemRow], str] = one_vocabulary,
    created_by: str,
    experiment_ids: Sequence[str] = (),
) -> str:
    """Store a study of these items, with the controls that its options ask for; returns its id.

    `relabel` and `vocabulary`: as `labelling.controls.add_controls` takes them. Raises StudyError,
    also for a text that is no plain words.
    """
    if not name.strip():
        raise StudyError(NAMELESS)
    texts = {
        "The study's name": name,
        "The information sheet": options.information,
        "The page of instructions": options.instructions,
        "The debrief": options.debrief,
    }
    require_all_plain(texts, who=created_by)
    seed = secrets.randbits(53)
    items = add_controls(content, gold, options, relabel=relabel, vocabulary=vocabulary, seed=seed)
    with immediate(database):
        study_id = studies.create_study(
            database,
            name=name.strip(),
            experiment_ids=list(dict.fromkeys(experiment_ids)),
            options=options.as_json() | {"controls_seed": seed},
            created_by=created_by,
        )
        studies.add_items(database, study_id, items)
    return study_id


def invite(
    database: Database,
    study_id: str,
    name: str,
    *,
    expires_at: datetime | None = None,
    by: str = "whoever invites",
) -> str:
    """Admit a person to a study; returns the token of the link `/?invitation=TOKEN`.

    It is shown this once: only its hash is kept. Raises StudyError without a name, and for one that
    is no plain words.
    """
    if not name.strip():
        raise StudyError("Give the labeller a name; only researchers see it.")
    require_plain(name, field="A labeller's name", who=by)
    return add_labeller(database, study_id, name.strip(), expires_at=expires_at)


def completion_code(labeller: Labeller) -> str:
    """What the last page shows, to prove to the study's owner that one got there."""
    secret = f"completed {labeller.study_id} {labeller.id} {labeller.order_seed}"
    return hashlib.sha256(secret.encode()).hexdigest()[:8].upper()


_RESULTS_WITH_SOURCES = """
SELECT sources.stimulus, results.stimulus, results.label
FROM results JOIN sources ON sources.id = results.source_id
WHERE results.condition_id = ?
    AND (results.outcome = ? OR (? = 'exhausted' AND results.outcome = 'skipped'
        AND results.target IS NULL))
ORDER BY results.trial_index
"""


def _generators(database: Database, experiment_ids: Sequence[str]) -> defaultdict[str, str]:
    """Which generator drew a source's picture, and so whose label numbers it has.

    Another picture, given as gold, has those of the first experiment.
    """
    first = experiment(database, experiment_ids[0]).generator
    rows = database.execute(_DRAWN_BY, [json.dumps(list(experiment_ids))]).fetchall()
    return defaultdict(lambda: first, rows)


_DRAWN_BY = """
SELECT DISTINCT sources.stimulus, experiments.generator
FROM results JOIN sources ON sources.id = results.source_id
JOIN conditions ON conditions.id = results.condition_id
JOIN experiments ON experiments.id = conditions.experiment_id
WHERE experiments.id IN (SELECT value FROM json_each(?))
"""


def _pairs(
    database: Database, experiment_ids: Sequence[str], label_text: LabelTexts
) -> Iterator[ItemRow]:
    """An item a found result; `data.studies.add_items` leaves out what is there already."""
    for generator, rows in _results(database, experiment_ids, "found"):
        for source, perturbed, label in rows:
            yield _item(source, perturbed, label, label_text(generator, label))


def _lone_sources(
    database: Database,
    experiment_ids: Sequence[str],
    label_text: LabelTexts,
    pairs: Sequence[ItemRow],
) -> Iterator[ItemRow]:
    """An item a result without a pair whose source none of the pairs has."""
    asked = {(pair.source_stimulus, pair.label) for pair in pairs}
    for generator, rows in _results(database, experiment_ids, "exhausted"):
        for source, _, label in rows:
            if (source, label) not in asked:
                yield _item(source, None, label, label_text(generator, label))


def _results(
    database: Database, experiment_ids: Sequence[str], outcome: str
) -> Iterator[tuple[str, list[tuple[str, str | None, int]]]]:
    """Per condition: the generator's name, and (source stimulus, stimulus, label) by trial."""
    for experiment_id in experiment_ids:
        generator = experiment(database, experiment_id).generator
        for condition in conditions(database, experiment_id):
            if condition.role != "search":  # a control is no picture that a search found
                continue
            parameters = [condition.id, outcome, outcome]
            yield generator, database.execute(_RESULTS_WITH_SOURCES, parameters).fetchall()


def _item(source: str, perturbed: str | None, label: int, text: LabelText) -> ItemRow:
    return ItemRow(
        source_stimulus=source,
        perturbed_stimulus=perturbed,
        label=label,
        phrase=text.phrase,
        search_term=text.search_term,
        gloss=text.gloss,
    )
