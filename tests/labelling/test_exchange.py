"""Judgements out and in again: the whole log, or not one row. Every judgement is synthetic."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pandas as pd
import pytest
from sqlite_utils import Database

from app.__main__ import main
from data.database import open_database
from data.home import Home
from data.images import read_image
from data.results import add_stimulus
from data.studies import labeller_of, studies
from labelling.answers import Answer
from labelling.exchange import (
    COLUMNS,
    FORMATS,
    codebook,
    import_table,
    judgement_table,
    read_table,
    write_table,
)
from labelling.options import StudyError, StudyOptions
from labelling.queue import comment, next_task, record, undo
from labelling.stages import withdraw
from labelling.studies import create_study, invite
from tests.labelling.synthetic_study import add_experiment, label_text

#: What is numbered anew where it is imported.
NUMBERED = ["judgement", "study", "labeller", "item", "supersedes"]


@pytest.fixture
def home(tmp_path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def database(home) -> Iterator[Database]:
    with closing(open_database(home, durable=True)) as database:
        yield database


@pytest.fixture
def study_id(database, home) -> str:
    """A study with everything in its log: corrections, repeats, comments, and who withdrew."""
    experiment_id = add_experiment(database, home, trials=3)
    study_id = create_study(
        database,
        [experiment_id],
        "Ümläut, “quotes” and\nlines",
        label_text=label_text,
        created_by="test",
        options=StudyOptions(repeat_share=0.3, catch_share=0.3),
    )
    for name, goes in (("Ann (synthetic)", False), ("=cmd (synthetic)", True)):
        person = labeller_of(database, invite(database, study_id, name)).id
        count = 0
        while (task := next_task(database, person)) is not None:
            count += 1
            answer = Answer(1 + count % 4 if count % 3 == 0 else 1)
            assert record(
                database, person, task.item_id, task.side, answer, response_ms=100.5 + count
            )
            if count == 2:
                assert comment(database, person, task.number, 'a "comment", with\na line')
            if count % 5 == 0:
                undo(database, person)
        if goes:
            withdraw(database, person)
    return study_id


def elsewhere(database: Database, home: Home, other: Home) -> Database:
    """Another home that has the images and nothing else."""
    there = open_database(other, durable=True)
    for (sha256,) in database.execute("SELECT sha256 FROM stimuli").fetchall():
        add_stimulus(there, other, read_image(home, sha256))
    return there


@pytest.mark.parametrize("format", FORMATS)
def test_what_goes_out_comes_in_as_it_was(database, home, study_id, tmp_path, format) -> None:
    table = judgement_table(database, [study_id])
    assert table["undone"].any()
    assert table["withdrawn"].any()
    assert table["comment"].notna().any()
    assert set(table["repeat"]) == {0, 2}
    with closing(elsewhere(database, home, Home(tmp_path / "other"))) as there:
        [imported] = import_table(
            there, read_table(write_table(table, format), format), created_by="test"
        )
        again = judgement_table(there, [imported])
    pd.testing.assert_frame_equal(again.drop(columns=NUMBERED), table.drop(columns=NUMBERED))
    number = dict(zip(table["judgement"], again["judgement"], strict=True))
    replaced = [number[one] for one in table["supersedes"].dropna()]
    assert list(again["supersedes"].dropna()) == replaced
    for name in ("labeller", "item"):
        pairs = set(zip(table[name], again[name], strict=True))
        assert len(pairs) == table[name].nunique() == again[name].nunique()


def test_every_column_is_in_the_codebook_and_of_its_type(database, study_id) -> None:
    table = judgement_table(database, [study_id])
    assert {name: str(type) for name, type in table.dtypes.items()} == {
        column.name: column.type for column in COLUMNS
    }
    for column in COLUMNS:
        assert f"| `{column.name}` | {column.type} |" in codebook()


BAD: dict[str, tuple[Callable[[pd.DataFrame], object], str]] = {
    "answer": (lambda t: t.__setitem__("answer", ["9", *t["answer"][1:]]), "line 2: answer 9 is"),
    "text": (
        lambda t: t.__setitem__("response_ms", ["fast", *t["response_ms"][1:]]),
        "line 2: response_ms 'fast' is not a number",
    ),
    "empty": (
        lambda t: t.__setitem__("labeller", [*t["labeller"][:-1], None]),
        "labeller is empty",
    ),
    "image": (
        lambda t: t.__setitem__("source_stimulus", ["0" * 64, *t["source_stimulus"][1:]]),
        "line 2: stimulus is not the item's source image; source_stimulus 000000000000… is not",
    ),
    "negative": (
        lambda t: t.__setitem__("hidden_ms", ["-1", *t["hidden_ms"][1:]]),
        "line 2: hidden_ms -1.0 is below 0",
    ),
    "twice": (
        lambda t: t.__setitem__("judgement", [t["judgement"][1], *t["judgement"][1:]]),
        "is there twice",
    ),
    "supersedes": (
        lambda t: t.__setitem__("supersedes", ["77777", *t["supersedes"][1:]]),
        "line 2: supersedes 77777, which is no earlier judgement",
    ),
    "details": (
        lambda t: t.__setitem__("item_details", ["{", *t["item_details"][1:]]),
        "line 2: item_details is not JSON",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_one_wrong_row_and_nothing_is_imported(database, study_id, case) -> None:
    table = read_table(write_table(judgement_table(database, [study_id]), "csv"), "csv")
    spoil, says = BAD[case]
    spoil(table)
    before = [table.count for table in database.tables]
    with pytest.raises(StudyError) as refused:
        import_table(database, table, created_by="test")
    assert says in str(refused.value)
    assert [table.count for table in database.tables] == before


def test_a_table_with_other_columns_says_which(database, study_id) -> None:
    content = write_table(judgement_table(database, [study_id]).drop(columns="side"), "csv")
    with pytest.raises(StudyError, match="lacks side and has in excess nothing"):
        read_table(content, "csv")


def test_the_command_exports_imports_and_lists(database, home, study_id, tmp_path, capsys) -> None:
    file = tmp_path / "judgements.csv"
    assert main(["study", "export", study_id, str(file), "--home", str(home.root)]) == 0
    assert file.with_suffix(".codebook.md").is_file()
    assert main(["study", "import", str(file), "--home", str(home.root)]) == 0
    assert len(studies(database)) == 2
    assert main(["study", "list", "--json", "--home", str(home.root)]) == 0
    assert capsys.readouterr().out.count('"study"') == 2
    for wrong in (["export", "none", str(file)], ["import", "gone.csv"], ["export", study_id]):
        assert main(["study", *wrong, "--home", str(home.root)]) == 2
