"""Attempts on a served app over its websocket: other pages, others' work, and hostile answers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from data.labellers import labellers, revoke_labeller
from labelling.options import StudyOptions
from labelling.queue import LONGEST_COMMENT, next_task
from labelling.studies import invite
from labelling.wording import ENGLISH
from tests.served.visits import Closed, Visitor
from tests.served.world import SQL, TITLES, World

EXPOSURE_MS = StudyOptions().exposure_ms
SCRIPT = "It is <script>alert(1)</script>"
#: Half of a character, which JSON may bring and no file can hold.
HALF = "\ud800"


BESIDE_COMMENTS = ("judgements", "studies", "study_items", "labellers", "experiments")


VISITORS: dict[str, Callable[[World], Visitor]] = {
    "nobody": lambda world: world.nobody,
    "a made-up session": lambda world: replace(world.nobody, cookie="e30.AAAAAAAAAAAAAAAAAAAAAA"),
    "a researcher's browser on another site": lambda world: replace(
        world.researcher, origin="https://evil.example"
    ),
    "a researcher's browser at a name that was pointed here": lambda world: replace(
        world.researcher, host=f"evil.localhost:{world.server.port}"
    ),
}


@pytest.mark.parametrize("name", VISITORS)
def test_a_websocket_is_not_opened(world: World, name: str) -> None:
    log = world.log()
    with pytest.raises(Closed), VISITORS[name](world).page() as page:
        page.run()
    assert "Refused" in world.log().removeprefix(log)


@pytest.mark.parametrize(
    "run",
    [
        *({"page": title.lower()} for title in TITLES),
        {"script": "0" * 32},
        {"query": "study=other&labeller=2"},
    ],
    ids=str,
)
def test_a_labellers_page_asked_for_another_shows_the_own_or_none(
    world: World, run: dict[str, str]
) -> None:
    with world.ann.page() as page:
        page.run(**run)
        assert [title for title in TITLES if title.encode() in page.received] == []


def test_an_invitation_sent_over_the_websocket_changes_nobody(world: World) -> None:
    """Bob's token in Ann's hands, where the local mode would take it: she stays Ann."""
    ann = world.id_of(world.invitation)
    with world.ann.page() as page:
        page.run(query=f"invitation={world.other_invitation}")
        page.send("answer", answer_to(next_task(world.database, ann)))
    people = {row["labeller_id"] for row in world.database["judgements"].rows}
    assert people == {ann}


def answer_to(task, **changes: object) -> dict[str, object]:
    """What judge.js would send of a task."""
    return {
        "number": task.number,
        "side": {"source": "left", "perturbed": "right"}[task.side],
        "answer": 1,
        "milliseconds": 900,
        "hidden": 0,
        "searches": 0,
        "held": [],
    } | changes


@pytest.mark.parametrize(
    "changes",
    [
        {"number": "the next"},
        {"number": 10**12},
        {"number": SQL},
        {"side": "perturbed"},
        {"side": "the other"},
        {"answer": 5},
        {"answer": SQL},
        {"answer": [1]},
        {"milliseconds": -1},
        {"milliseconds": 0},
        {"milliseconds": EXPOSURE_MS - 0.1},
        {"milliseconds": "nan"},
        {"searches": 1e400},
    ],
    ids=str,
)
def test_an_answer_that_no_browser_gives_is_not_taken(world: World, changes) -> None:
    """Of another item (of another study, too: items have no names here), malformed, too early."""
    ann, log = world.id_of(world.invitation), world.log()
    with world.ann.page() as page:
        page.run()
        task = next_task(world.database, ann)
        before = world.judged()
        if changes == {"number": "the next"}:
            changes = {"number": task.number + 1}
        if changes == {"side": "the other"}:
            changes = {"side": {"source": "right", "perturbed": "left"}[task.side]}
        page.send("answer", answer_to(task, **changes))
        assert world.judged() == before
    if "milliseconds" in changes:
        assert "was refused" in world.log().removeprefix(log)
    assert "Traceback" not in world.log()


def test_an_answer_at_the_end_of_the_exposure_is_taken(world: World) -> None:
    ann = world.id_of(world.invitation)
    with world.ann.page() as page:
        page.run()
        task = next_task(world.database, ann)
        before = world.database["judgements"].count
        page.send("answer", answer_to(task, milliseconds=task.exposure_ms))
    assert world.database["judgements"].count == before + 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x" * 10_000_000, ENGLISH.comment_too_long.format(longest=LONGEST_COMMENT)),
        ("x" * (LONGEST_COMMENT + 1), ENGLISH.comment_too_long.format(longest=LONGEST_COMMENT)),
        ({"text": SQL}, ENGLISH.comment_too_long.format(longest=LONGEST_COMMENT)),
        (SQL, ENGLISH.not_plain.format(found=ENGLISH.holds_statement)),
        (SCRIPT, ENGLISH.not_plain.format(found=ENGLISH.holds_markup)),
        ("[x](javascript:alert(1))", ENGLISH.not_plain.format(found=ENGLISH.holds_script)),
    ],
    ids=["10 MB", "one too many", "no text", "SQL", "a script", "a script's address"],
)
def test_a_comment_that_cannot_be_kept_is_refused_in_a_sentence(
    world: World, text, problem
) -> None:
    log, before = world.log(), world.judged()
    with world.ann.page() as page:
        page.run()
        task = next_task(world.database, world.id_of(world.invitation))
        [shown] = [one for one in page.send("comment", comment_on(task, text)) if "turn" in one]
    assert json.loads(shown)["problem"] == problem
    noted = world.log().removeprefix(log)
    assert "A comment of labeller" in noted or "Refused a text of 'labeller" in noted
    assert str(text) not in noted
    assert world.judged() == before


def comment_on(task, text: object) -> dict[str, object]:
    return {"number": task.number, "text": text, "held": []}


@pytest.mark.parametrize(
    "text", ["the line < 3 and > 1", "don't; drop it --", "\0\u202e😀{{7*7}}", HALF]
)
def test_a_comment_of_odd_but_plain_words_is_kept_as_its_text(world: World, text: str) -> None:
    with world.ann.page() as page:
        page.run()
        task = next_task(world.database, world.id_of(world.invitation))
        before = world.rows(*BESIDE_COMMENTS)
        page.send("comment", comment_on(task, text))
    newest = max(world.database["comments"].rows, key=lambda row: row["id"])
    assert newest["text"] == text.replace(HALF, "?")
    assert world.rows(*BESIDE_COMMENTS) == before


def test_a_message_beyond_all_measure_closes_the_page(world: World) -> None:
    log, before = world.log(), world.judged()
    with pytest.raises(Closed), world.ann.page() as page:
        page.run()
        task = next_task(world.database, world.id_of(world.invitation))
        page.send("comment", comment_on(task, "x" * 30_000_000))
    assert "exceeds the limit" in world.log().removeprefix(log)
    assert world.judged() == before


def test_whoever_is_revoked_while_labelling_is_told_so_at_the_next_answer(world: World) -> None:
    token = invite(world.database, world.study, "Cleo (synthetic)")
    cleo = world.id_of(token)
    cookie = world.nobody.get(f"/?invitation={token}").cookie
    with replace(world.nobody, cookie=cookie).page() as page:
        page.run()
        task = next_task(world.database, cleo)
        revoke_labeller(world.database, cleo)
        said = page.send("answer", answer_to(task))
        said += page.run()
    assert any("has ended" in text for text in said)
    assert world.database["judgements"].count_where("labeller_id = ?", [cleo]) == 0


def test_a_researcher_who_signs_out_is_out_of_open_pages_too(world: World, monkeypatch) -> None:
    visitor = world.researcher
    with visitor.page() as page:
        page.run()
        assert visitor.post("/sign-out").status == 303
        with pytest.raises(Closed):
            until = time.monotonic() + 30
            while time.monotonic() < until:
                page.run()
                time.sleep(0.5)
    assert visitor.get("/").status == 401


def test_no_form_names_files_of_the_server(world: World) -> None:
    """Local, a study can be of images in a folder of this computer; served, it is not offered."""
    with world.researcher.page() as page:
        page.run(page="studies")
        assert b"Create study" in page.received
        assert b"Made elsewhere" not in page.received and b"Folder" not in page.received


def test_the_tables_are_all_there_at_the_end(world: World) -> None:
    assert world.database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert len(labellers(world.database, world.other_study)) == 1
    assert ENGLISH.unavailable not in world.log()
