"""What labellers wrote, as the study's owner reads it. Every labeller is synthetic."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from data.database import open_database
from data.home import Home
from data.labellers import labeller_of
from labelling.answers import Answer
from labelling.queue import comment, next_task, record
from labelling.remarks import PURPOSE, remarks
from labelling.stages import say_purpose, withdraw
from labelling.studies import create_study, invite
from tests.labelling.synthetic_study import add_experiment, at_once, label_text


def test_what_each_thinks_it_was_for_comes_first_and_then_the_newest_comments(
    tmp_path: Path,
) -> None:
    home = Home(tmp_path)
    with closing(open_database(home, durable=True)) as database:
        experiment_id = add_experiment(database, home, trials=1)
        study_id, other = (
            create_study(
                database,
                [experiment_id],
                name,
                label_text=label_text,
                created_by="test",
                options=at_once(purpose_question=True),
            )
            for name in ("read", "not read")
        )
        items = {}
        for name, where in (("Ann", study_id), ("Bob", study_id), ("Cleo", other)):
            person = labeller_of(database, invite(database, where, name)).id
            task = next_task(database, person)
            items[name] = task.item_id
            for text in ("a first thought", f"{name} wonders"):
                comment(database, person, task.number, text)
            while (task := next_task(database, person)) is not None:
                record(database, person, task.item_id, task.side, Answer.MEANINGLESS)
            say_purpose(database, person, "" if name == "Cleo" else f"{name} guesses")
            if name == "Bob":
                gone = person
        [first, second, third, fourth] = remarks(database, study_id).itertuples(index=False)
        assert (first.labeller, first.about, first.text) == ("Ann", PURPOSE, "Ann guesses")
        assert (second.labeller, second.about, second.text) == ("Bob", PURPOSE, "Bob guesses")
        assert (third.about, fourth.about) == ("a three", "a three")
        assert {(one.labeller, one.item, one.text) for one in (third, fourth)} == {
            (name, items[name], f"{name} wonders") for name in ("Ann", "Bob")
        }
        withdraw(database, gone)
        assert set(remarks(database, study_id)["labeller"]) == {"Ann"}
        assert remarks(database, other)["text"].tolist() == ["Cleo wonders"]
