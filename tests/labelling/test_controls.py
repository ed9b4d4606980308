"""Items that check the labeller: how many, whose, and what is right. Every answer is synthetic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from sqlite_utils import Database

from data.assignments import PRACTICE, REPEATED
from data.database import open_database
from data.home import Home
from data.judgements import judgements
from data.labellers import labeller_of
from data.results import add_stimulus
from data.studies import ItemRow, StudyItem, items
from labelling.answers import Answer
from labelling.choice import LAST_GAP, REPEAT_GAP
from labelling.controls import Gold, add_controls
from labelling.eligibility import trial_table
from labelling.options import ExclusionRules, StudyError, options_of
from labelling.queue import Task, next_task, record
from labelling.stages import Stage, stage
from labelling.studies import LabelText, create_study, invite
from tests.labelling.synthetic_study import (
    LABELS,
    add_experiment,
    at_once,
    label_text,
    source_picture,
)

THREE = LABELS[0]


Decide = Callable[[Task], Answer]


class Study:
    """A study with one labeller."""

    def __init__(self, database: Database, study_id: str) -> None:
        self.database, self.id = database, study_id
        self.person = labeller_of(database, invite(database, study_id, "synthetic")).id
        self.items: dict[int, StudyItem] = {item.id: item for item in items(database, study_id)}

    def answer_all(
        self, decide: Callable[[Task], Answer] = lambda task: Answer.LABEL
    ) -> list[Task]:
        asked = []
        while (task := next_task(self.database, self.person)) is not None:
            assert record(self.database, self.person, task.item_id, task.side, decide(task))
            asked.append(task)
        return asked

    def kinds(self, asked: list[Task]) -> list[str]:
        """The kind of each item shown, in order; a hidden repeat is its own."""
        numbers = {task.number: task.item_id for task in asked}
        seen: set[int] = set()
        kinds = []
        for item_id in numbers.values():
            kinds.append("repeat" if item_id in seen else self.items[item_id].kind)
            seen.add(item_id)
        return kinds


@pytest.fixture
def make(tmp_path) -> Iterator[Callable[..., Study]]:
    with closing(open_database(Home(tmp_path), durable=True)) as database:

        def make(trials: int = 10, gold: int = 0, **options: object) -> Study:
            experiment_id = add_experiment(database, Home(tmp_path), trials=trials)
            known = [
                Gold(
                    add_stimulus(database, Home(tmp_path), source_picture(900 + one)),
                    THREE,
                    Answer.LABEL if one % 2 else Answer.MEANINGLESS,
                )
                for one in range(gold)
            ]
            study_id = create_study(
                database,
                [experiment_id],
                "study",
                label_text=label_text,
                created_by="test",
                options=at_once(**options),
                gold=known,
            )
            return Study(database, study_id)

        yield make


@pytest.mark.parametrize(
    ("share", "kind", "gold"),
    [
        ("repeat_share", "repeat", 0),
        ("gold_share", "gold", 9),
        ("false_label_share", "false-label", 0),
        ("catch_share", "catch", 0),
    ],
)
def test_everybody_gets_their_share(make, share, kind, gold) -> None:
    study = make(gold=gold, **{share: 0.1})
    counts = Counter(study.kinds(study.answer_all()))
    assert counts["pair"] == 40
    assert counts[kind] in (4, 5), "a tenth, the fraction rounded at random"
    assert set(counts) == {"pair", kind}


def test_controls_lie_among_the_others_and_not_at_one_place(make) -> None:
    places = [
        place
        for study in (make(catch_share=0.2), make(catch_share=0.2))
        for place, kind in enumerate(study.kinds(study.answer_all()))
        if kind == "catch"
    ]
    assert min(places) < 10 < 30 < max(places)


def test_a_hidden_repeat_comes_later_asks_anew_and_does_not_count(make) -> None:
    study = make(repeat_share=0.2)
    asked = study.answer_all()
    first: dict[int, int] = {}
    for task in asked:
        first.setdefault(task.item_id, task.number)
    last_new = max(first.values())
    for task in asked:
        later = task.number - first[task.item_id]
        # Fewer items lie between where nothing else is left.
        least = REPEAT_GAP if task.number < last_new else LAST_GAP
        assert later == 0 or later > least
    repeats = [one for one in judgements(study.database) if one.repeat == REPEATED]
    assert {one.side for one in repeats} == {"source", "perturbed"}
    counted = [one for one in judgements(study.database) if one.repeat == 0]
    assert len(counted) == 10 + 40


def test_a_false_label_asks_for_what_the_image_was_not_made_as(make) -> None:
    study = make(false_label_share=0.5)
    false = [item for item in study.items.values() if item.kind == "false-label"]
    truth = {
        item.source_stimulus: item.label for item in study.items.values() if item.kind == "pair"
    }
    assert len(false) == 10
    for item in false:
        assert item.label != truth[item.source_stimulus]
        assert item.phrase == label_text("", item.label).phrase
        assert item.perturbed_stimulus is None
        assert item.details == {"expected": {"source": [2]}}


def test_each_generators_pictures_are_asked_about_under_its_own_labels(tmp_path) -> None:
    """Of two experiments: a digit's 3 is a three, and a photo's 3 a tiger shark."""
    home = Home(tmp_path)
    with closing(open_database(home, durable=True)) as database:
        made = {
            generator: add_experiment(
                database, home, trials=6, generator=generator, first_picture=first
            )
            for generator, first in (("digits", 0), ("photos", 100))
        }
        gold = [
            Gold(add_stimulus(database, home, source_picture(picture)), THREE, Answer.LABEL)
            for picture in (0, 100)
        ]
        study_id = create_study(
            database,
            list(made.values()),
            "both",
            label_text=lambda generator, label: LabelText(f"{generator} {label}", generator),
            created_by="test",
            options=at_once(gold_share=0.5, false_label_share=0.5),
            gold=gold,
        )
        asked = items(database, study_id)
    drawn_by = {item.source_stimulus: item.search_term for item in asked if item.kind == "pair"}
    assert Counter(drawn_by.values()) == {"digits": 6, "photos": 6}
    for item in asked:
        assert item.phrase == f"{drawn_by[item.source_stimulus]} {item.label}"
    kinds = Counter((item.kind, item.search_term) for item in asked)
    assert kinds["gold", "digits"] == kinds["gold", "photos"] == 1
    assert kinds["false-label", "digits"] == kinds["false-label", "photos"] == 6


def test_a_false_label_is_one_of_the_same_vocabulary() -> None:
    """Where one of two has a single label, all false labels are of the other's pictures."""
    content = [
        ItemRow(
            source_stimulus=f"{name} {label}",
            perturbed_stimulus="changed",
            label=label,
            phrase=name,
            search_term=name,
        )
        for name, labels in (("digits", (3, 7, 8)), ("photos", (934,)))
        for label in labels
    ]

    def made(content: list[ItemRow]) -> list[ItemRow]:
        return add_controls(
            content,
            [],
            at_once(false_label_share=0.5),
            relabel=lambda item, label: replace(item, label=label),
            vocabulary=lambda item: item.phrase,
            seed=1,
        )[len(content) :]

    false = made(content)
    assert len(false) == 3 and {item.phrase for item in false} == {"digits"}
    assert {item.label for item in false} <= {3, 7, 8}
    with pytest.raises(StudyError, match="at least two labels"):
        made([content[0], content[-1]])


def test_a_catch_pair_is_one_image_twice(make) -> None:
    study = make(catch_share=0.1)
    catches = [item for item in study.items.values() if item.kind == "catch"]
    assert catches
    assert all(item.perturbed_stimulus == item.source_stimulus for item in catches)


def test_controls_leave_every_result_as_it_was(make) -> None:
    plain, checked = make(), make(repeat_share=0.3, catch_share=0.3, false_label_share=0.3)
    tables = []
    for study in (plain, checked):
        study.answer_all(lambda task: Answer.LABEL if task.side == "source" else Answer.UNCLEAR)
        (experiment_id,) = [
            row["experiment_id"]
            for row in study.database["study_experiments"].rows_where("study_id = ?", [study.id])
        ]
        table = trial_table(study.database, [experiment_id])
        tables.append(table[["source_judgement", "perturbed_judgement"]].value_counts().to_dict())
    assert tables[0] == tables[1]


@pytest.mark.parametrize(
    ("right", "needed", "then"),
    [(4, 1.0, Stage.END), (3, 1.0, Stage.UNQUALIFIED), (3, 0.75, Stage.END), (0, 0.0, Stage.END)],
)
def test_practice_comes_first_and_decides_who_goes_on(make, right, needed, then) -> None:
    study = make(trials=2, gold=4, practice_items=4, qualification=needed)
    given = iter(range(4))

    def decide(task: Task) -> Answer:
        if not task.practice:
            return Answer.LABEL
        [expected] = study.items[task.item_id].details["expected"]["source"]
        return Answer(expected) if next(given) < right else Answer.UNCLEAR

    asked = study.answer_all(decide)
    assert [task.practice for task in asked[:4]] == [True] * 4
    assert (asked[0].done, asked[0].total) == (0, 4)
    assert stage(study.database, study.person) is then
    assert (len(asked) > 4) is (then is Stage.END)
    practised = [one for one in judgements(study.database) if one.repeat == PRACTICE]
    assert len(practised) == 4


def test_a_break_is_due_after_so_many_items(make) -> None:
    study = make(break_every=10)
    breaks = [task.done for task in study.answer_all() if task.rest]
    assert breaks == [10, 20, 30]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"overlap": 0}, "overlap must be from 1"),
        ({"gold_share": 0.7}, "gold items must be from 0 to 0.5"),
        ({"language": "xx"}, "choose one of en"),
        ({"rule": "dice"}, "choose one of majority, unanimous, any"),
        ({"exclusion": ExclusionRules(gold=1.5)}, "gold must be from 0 to 1"),
        ({"practice_items": 3}, "mark more, or ask for less"),
        ({"gold_share": 0.1}, "mark more, or ask for less"),
        ({"break_every": 1}, "breaks must be from 5"),
    ],
)
def test_options_that_make_no_sense_say_what_does(make, options, says) -> None:
    with pytest.raises(StudyError, match=says):
        make(**options)


def test_options_come_back_as_they_were(make) -> None:
    options = {"overlap": 3, "exclusion": ExclusionRules(gold=0.8, fastest_ms=300.0)}
    study = make(**options)
    assert options_of(study.database, study.id) == at_once(**options)
