"""Judgements out and in again: the whole log, or not one row. Every judgement is synthetic."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest
from sqlite_utils import Database

from app.__main__ import main
from data.database import open_database
from data.home import Home
from data.images import read_image
from data.labellers import labeller_of, labellers
from data.results import add_stimulus
from data.studies import studies
from labelling.answers import Answer
from labelling.exchange import (
    COLUMNS,
    FORMATS,
    NAMES,
    codebook,
    judgement_table,
    write_table,
)
from labelling.importing import MAY_LACK, import_file
from labelling.options import ExclusionRules, StudyError, options_of
from labelling.progress import study_progress
from labelling.quality import excluded_labellers
from labelling.queue import comment, next_task, record, undo
from labelling.stages import say_purpose, withdraw
from labelling.studies import create_study, invite
from tests.labelling.synthetic_study import add_experiment, at_once, label_text

#: What is numbered anew where it is imported.
NUMBERED = ["judgement", "study", "labeller", "item", "supersedes"]
SAME = [name for name in NAMES if name not in (*NUMBERED, "study_options")]
#: With what CSV, and what JSON Lines, might take for the end of a row.
COMMENT = 'a "comment", with\na line,\ra return, \u2028 and \x85'


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> tuple[Home, str]:
    """A study with everything in its log: corrections, repeats, comments, and who withdrew."""
    home = Home(tmp_path_factory.mktemp("template") / "home")
    with closing(open_database(home, durable=True)) as database:
        return home, _judged(database, home)


def _judged(database: Database, home: Home) -> str:
    experiment_id = add_experiment(database, home, trials=3)
    study_id = create_study(
        database,
        [experiment_id],
        "Ümläut, “quotes” and\nlines",
        label_text=label_text,
        created_by="test",
        options=at_once(repeat_share=0.3, catch_share=0.3),
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
                assert comment(database, person, task.number, COMMENT)
            if count % 5 == 0:
                undo(database, person)
        if goes:
            withdraw(database, person)
        else:
            say_purpose(database, person, COMMENT)
    return study_id


@pytest.fixture
def home(template, tmp_path) -> Home:
    shutil.copytree(template[0].root, tmp_path / "home")
    return Home(tmp_path / "home")


@pytest.fixture
def study_id(template) -> str:
    return template[1]


@pytest.fixture
def database(home) -> Iterator[Database]:
    with closing(open_database(home, durable=True)) as database:
        yield database


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
    assert set(table["purpose"].dropna()) == {COMMENT}
    assert set(table["repeat"]) == {0, 2}
    with closing(elsewhere(database, home, Home(tmp_path / "other"))) as there:
        [imported] = import_file(there, write_table(table, format), format, created_by="test")
        again = judgement_table(there, [imported])
    pd.testing.assert_frame_equal(again[SAME], table[SAME])
    options = [json.loads(told["study_options"].iloc[0]) for told in (table, again)]
    assert options[1] == options[0] | {"imported_from": study_id}
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


def spoiled(column: str, value: object) -> Callable[[pd.DataFrame, int], None]:
    """One cell of one row changed."""

    def spoil(table: pd.DataFrame, row: int) -> None:
        table.loc[row, column] = value

    return spoil


def of_row(column: str, change: Callable[[str], str]) -> Callable[[pd.DataFrame, int], None]:
    def spoil(table: pd.DataFrame, row: int) -> None:
        table.loc[row, column] = change(table.loc[row, column])

    return spoil


def like_the_row_before(*columns: str) -> Callable[[pd.DataFrame, int], None]:
    def spoil(table: pd.DataFrame, row: int) -> None:
        for column in columns:
            table.loc[row, column] = table.loc[row - 1, column]

    return spoil


#: What is done to one row in the middle of the file, and what is said of its line.
BAD: dict[str, tuple[Callable[[pd.DataFrame, int], object], str]] = {
    "an answer": (spoiled("answer", "9"), "answer '9' is not 1, 2, 3 or 4"),
    "a side": (spoiled("side", "left"), "side 'left' is not source or perturbed"),
    "a round": (spoiled("repeat", "3"), "repeat '3' is not 0, 1 or 2"),
    "a number": (spoiled("response_ms", "fast"), "response_ms 'fast' is not a number"),
    "no end": (spoiled("response_ms", "inf"), "response_ms 'inf' is not a number"),
    "a whole number": (spoiled("label", "1.5"), "label '1.5' is not a whole number"),
    "beyond SQLite": (spoiled("item", "1e30"), "item '1e30' is not a whole number"),
    "a truth": (spoiled("undone", "perhaps"), "undone 'perhaps' is not True or False"),
    "below 0": (spoiled("hidden_ms", "-1"), "hidden_ms -1.0 is below 0"),
    "empty": (spoiled("labeller", ""), "labeller is empty"),
    "an image": (
        spoiled("source_stimulus", "0" * 64),
        "source_stimulus 000000000000… is not among this home's images",
    ),
    "another image": (
        spoiled("stimulus", "0" * 64),
        "stimulus is not the item's",
    ),
    "a time": (spoiled("answered_at", "banana"), "answered_at 'banana' is no time such as 2026-"),
    "a time of no zone": (
        spoiled("shown_at", "2026-11-21T09:30:00"),
        "shown_at '2026-11-21T09:30:00' is no time such as",
    ),
    "a kind": (spoiled("item_kind", "odd"), "item_kind 'odd' is not outside, pair, plane, streng"),
    "no JSON": (spoiled("item_details", "{"), "item_details is not JSON"),
    "no object": (spoiled("item_details", "[1]"), "item_details '[1]' is no JSON object {…}"),
    "no right answers": (
        spoiled("item_details", '{"expected": {"source": [9]}}'),
        'item_details: expected must be such as {"source": [1]}',
    ),
    "options": (
        spoiled("study_options", '{"rule": "loudest"}'),
        "study_options: There is no rule 'loudest': choose one of majority, unanimous, any",
    ),
    "a long comment": (spoiled("comment", "x" * 2001), "comment has more than 2000 characters"),
    "one study, two names": (
        spoiled("study_name", "Another"),
        "study_name differs from that of the same study in line 2",
    ),
    "one labeller, two names": (
        spoiled("labeller_name", "Another"),
        "labeller_name differs from that of the same labeller in line ",
    ),
    "one labeller, two thoughts": (
        spoiled("purpose", "Another"),
        "purpose differs from that of the same labeller in line ",
    ),
    "withdrawn in one row": (
        of_row("withdrawn", lambda told: str(told != "True")),
        "withdrawn differs from that of the same labeller in line ",
    ),
    "one item, two words": (
        spoiled("phrase", "a thing"),
        "phrase differs from that of the same item in line ",
    ),
    "one question, two numbers": (spoiled("item", "77777"), "item 77777 asks what item "),
    "a number twice": (like_the_row_before("judgement"), " is there twice, first in line "),
    "judged already": (
        spoiled("supersedes", ""),
        "in the same round, and supersedes none",
    ),
    "supersedes nothing": (
        spoiled("supersedes", "77777"),
        "supersedes 77777, which is no earlier judgement of the same image by the same labeller",
    ),
    "counted though undone": (
        spoiled("undone", "True"),
        "stands is True, and the judgement is undone",
    ),
    "not counted": (
        spoiled("stands", "False"),
        "stands is False, and it is neither superseded, undone nor withdrawn",
    ),
}
#: Cases that need a row of a certain kind; the others take any that counts and is no first one.
WHERE: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "judged already": lambda table: table["supersedes"] != "",
    "one item, two words": lambda table: table["item"].duplicated(),
    "one question, two numbers": lambda table: table["item"].duplicated(),
}


def written_cells(table: pd.DataFrame) -> pd.DataFrame:
    """As an editor has them: text, and empty where there is nothing."""
    content = write_table(table, "csv").decode()
    return pd.read_csv(io.StringIO(content, newline=""), dtype=str, keep_default_na=False)


@pytest.mark.parametrize("case", BAD)
def test_one_wrong_row_is_said_with_its_line_and_nothing_is_imported(
    database, study_id, case
) -> None:
    """Comments and the study's name have line ends, so that a row's line is not its number."""
    table = written_cells(judgement_table(database, [study_id]))
    usual = (table["stands"] == "True") & table["labeller"].duplicated() & (table.index > 5)
    row = table.index[usual & WHERE.get(case, lambda table: usual)(table)][0]
    spoil, says = BAD[case]
    spoil(table, row)
    content = write_table(table, "csv")
    line = 1 + write_table(table.iloc[:row], "csv").count(b"\n")
    assert line > 2 + row
    before = [table.count for table in database.tables]
    with pytest.raises(StudyError) as refused:
        import_file(database, content, "csv", created_by="test")
    said = [one for one in str(refused.value).splitlines() if one.startswith(f"- line {line}: ")]
    assert says in "".join(said), refused.value
    assert [table.count for table in database.tables] == before


def test_what_two_rows_supersede_is_said_of_the_second(database, study_id) -> None:
    table = written_cells(judgement_table(database, [study_id]))
    row = table.index[table["supersedes"] != ""][0]
    again = table.loc[[row]].assign(judgement="88888")
    table.loc[row, "stands"] = "True"
    content = write_table(pd.concat([table, again]), "csv")
    line = 1 + write_table(table, "csv").count(b"\n")
    with pytest.raises(
        StudyError, match=rf"line {line}: supersedes \d+, which line \d+ does already"
    ):
        import_file(database, content, "csv", created_by="test")


def test_lines_of_json_are_those_of_the_file(database, study_id) -> None:
    """Blank lines count, and a comment may have what some take for the end of a line."""
    lines = write_table(judgement_table(database, [study_id]), "jsonl").decode().split("\n")
    assert any("\u2028" in line for line in lines)
    spoil = json.loads(lines[6]) | {"answer": 9}
    lines[6] = json.dumps(spoil)
    content = "\n".join(["", "", *lines]).encode()
    with pytest.raises(StudyError, match=r"\n- line 9: answer 9 is not 1, 2, 3 or 4$"):
        import_file(database, content, "jsonl", created_by="test")
    lines[6] = "[1]"
    with pytest.raises(StudyError, match="line 7 is no object"):
        import_file(database, "\n".join(lines).encode(), "jsonl", created_by="test")


@pytest.mark.parametrize("note", ["Int64", "numpy_type"])
def test_parquet_whose_notes_are_damaged_is_refused_in_a_sentence(database, study_id, note) -> None:
    """pandas keeps notes of its own inside, and reads them unchecked."""
    table = pyarrow.Table.from_pandas(judgement_table(database, [study_id]))
    notes = table.schema.metadata[b"pandas"].decode()
    assert note in notes
    damaged = table.replace_schema_metadata({"pandas": notes.replace(note, "odd")})
    file = io.BytesIO()
    pyarrow.parquet.write_table(damaged, file)
    with pytest.raises(StudyError, match="The file is not Parquet: "):
        import_file(database, file.getvalue(), "parquet", created_by="test")


def test_rows_of_parquet_are_counted(database, study_id) -> None:
    table = judgement_table(database, [study_id])
    table.loc[4, "answer"] = 9
    with pytest.raises(StudyError, match=r"\n- row 5: answer 9 is not"):
        import_file(database, write_table(table, "parquet"), "parquet", created_by="test")


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_no_table_says_so(database, format) -> None:
    for content in (b"\xff\xfe\x00", b'"a', b""):
        with pytest.raises(StudyError):
            import_file(database, content, format, created_by="test")


def test_a_time_of_another_zone_is_kept_as_ours(database, study_id) -> None:
    """So that text order is time order."""
    table = written_cells(judgement_table(database, [study_id]))
    table["answered_at"] = "2026-11-21T10:30:00+01:00"
    [imported] = import_file(database, write_table(table, "csv"), "csv", created_by="test")
    assert set(judgement_table(database, [imported])["answered_at"]) == {
        "2026-11-21T09:30:00.000000Z"
    }


def test_rows_may_come_in_any_order(database, home, study_id, tmp_path) -> None:
    """A table that somebody sorted by labeller is the same log."""
    table = judgement_table(database, [study_id])
    mixed = table.sort_values(["side", "judgement"], ascending=False)
    [imported] = import_file(database, write_table(mixed, "csv"), "csv", created_by="test")
    again = judgement_table(database, [imported])
    pd.testing.assert_frame_equal(again[SAME], table[SAME])


def test_rules_come_with_the_judgements(database, home, tmp_path) -> None:
    """“With and without” mean the same of an imported study: the same people are left out."""
    experiment_id = add_experiment(database, home, trials=3)
    options = at_once(
        catch_share=0.5, rule="unanimous", exclusion=ExclusionRules(catch=0.9), overlap=2
    )
    study_id = create_study(
        database,
        [experiment_id],
        "With rules",
        label_text=label_text,
        created_by="test",
        options=replace(options, information="A long sheet."),
    )
    for name, catch in (("good (synthetic)", Answer.LABEL), ("bad (synthetic)", Answer.UNCLEAR)):
        person = labeller_of(database, invite(database, study_id, name)).id
        while (task := next_task(database, person)) is not None:
            caught = task.perturbed_stimulus == task.source_stimulus
            record(database, person, task.item_id, task.side, catch if caught else Answer.LABEL)
    content = write_table(judgement_table(database, [study_id]), "csv")
    with closing(elsewhere(database, home, Home(tmp_path / "other"))) as there:
        [imported] = import_file(there, content, "csv", created_by="test")
        assert options_of(there, imported) == options
        left_out = set(excluded_labellers(there, [imported]))
        names = [one.name for one in labellers(there, imported) if one.id in left_out]
    assert names == ["bad (synthetic)"]


def test_an_imported_study_is_as_far_as_it_was(database, study_id) -> None:
    """Who withdrew counts in neither; what only a rejected source resolved is in no table."""
    [imported] = import_file(
        database, write_table(judgement_table(database, [study_id]), "csv"), "csv", created_by="t"
    )
    was, now = (study_progress(database, one) for one in (study_id, imported))
    assert was.judged == was.items
    assert now.judged == now.resolved == now.items > 0
    assert [one.judgements for one in now.labellers] == [one.judgements for one in was.labellers]


def test_a_table_of_before_later_columns_were_in_it_still_comes_in(database, study_id) -> None:
    table = judgement_table(database, [study_id]).drop(columns=[*MAY_LACK])
    [imported] = import_file(database, write_table(table, "csv"), "csv", created_by="test")
    assert options_of(database, imported) == at_once()


def test_a_table_with_other_columns_says_which(database, study_id) -> None:
    content = write_table(judgement_table(database, [study_id]).drop(columns="side"), "csv")
    with pytest.raises(StudyError, match="lacks side and has in excess nothing"):
        import_file(database, content, "csv", created_by="test")


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
