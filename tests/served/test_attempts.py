"""Attempts on a served app: each gets a plain refusal and a line in the log, and changes nothing.

The server is real, over HTTP and websockets; the visitors say what no browser would.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from sqlite_utils import Database

from app.access import UNKNOWN_INVITATION
from app.gate import UNAVAILABLE, WRONG_ADDRESS
from app.passphrase import FROM_ONE, set_passphrase, stored_passphrase
from app.sessions import Session, Way, new_session, sealed
from data.database import open_database
from data.home import Home
from data.keys import sign
from data.people import add_person, end_session, remove_person
from data.studies import labeller_of, labellers, revoke_labeller
from labelling.options import StudyOptions
from labelling.queue import LONGEST_COMMENT, next_task
from labelling.studies import invite
from labelling.wording import ENGLISH
from tests.browser.label_session import make_study
from tests.served.server import Server, running
from tests.served.visits import Answer, Closed, Visitor

PASSPHRASE = "correct horse battery staple"
TITLES = ("Explore", "Results", "Studies", "Experiments")
SQL = "'; DROP TABLE judgements; --"
#: Half of a character, which JSON may bring and no file can hold.
HALF = "\ud800"


@dataclass(frozen=True)
class World:
    """A served app with two studies, a labeller in each, and a researcher."""

    server: Server
    home: Home
    database: Database
    #: Ann's study and invitation, Bob's.
    study: str
    invitation: str
    other_study: str
    other_invitation: str

    @property
    def nobody(self) -> Visitor:
        return Visitor(self.server.port)

    @property
    def researcher(self) -> Visitor:
        passphrase = stored_passphrase(self.home)
        session = new_session(Way.PASSPHRASE, "Rae", passphrase.version)
        return self.with_session(session)

    @property
    def ann(self) -> Visitor:
        cookie = self.nobody.get(f"/?invitation={self.invitation}").cookie
        return replace(self.nobody, cookie=cookie)

    def with_session(self, session: Session) -> Visitor:
        return replace(self.nobody, cookie=sealed(self.home, session))

    def id_of(self, token: str) -> int:
        return labeller_of(self.database, token).id

    def log(self) -> str:
        return (self.home.logs / "app.log").read_text(encoding="utf-8")

    def contents(self) -> str:
        """Everything that is stored, but for leases: asking for a task renews them."""
        lines = (line for line in self.database.conn.iterdump() if '"assignments"' not in line)
        return "\n".join(lines)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = Home(tmp_path_factory.mktemp("served") / "home")
    server = Server(home.root)
    server.environment = {"PLAINVIEW_SERVE_AT": f"http://localhost:{server.port}"}
    set_passphrase(home, PASSPHRASE)
    with running(server), closing(open_database(home)) as database:
        options = StudyOptions(exposure_ms=0)
        study, other = (
            make_study(home.root, trials=3, name=name, options=options) for name in ("one", "other")
        )
        yield World(
            *(server, home, database),
            *(study, invite(database, study, "Ann (synthetic)")),
            *(other, invite(database, other, "Bob (synthetic)")),
        )


def opened(world: World, visitor: Visitor, **run: str) -> list[str]:
    """The texts on the page that a visitor opens."""
    with visitor.page() as page:
        return page.run(**run)


# --- What the attempts are compared with --------------------------------------------------------


def test_a_labeller_comes_in_by_the_link_and_the_token_stays_nowhere(world: World) -> None:
    answer = world.nobody.get(f"/?invitation={world.invitation}")
    assert answer.status == 303
    assert answer.headers["location"] == "/"
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=lax" in answer.headers["set-cookie"]
    assert world.ann.get("/").status == 200
    assert any("This is an image of" in text for text in opened(world, world.ann))
    assert world.invitation not in world.log()
    assert world.invitation not in world.server.output.read_text()
    assert world.invitation not in base64.b64decode(answer.cookie.partition(".")[0] + "==").decode()


def test_a_researcher_comes_in_by_the_passphrase(world: World) -> None:
    answer = world.nobody.post("/sign-in", name="Rae", passphrase=PASSPHRASE)
    assert answer.status == 303
    visitor = replace(world.nobody, cookie=answer.cookie)
    assert visitor.get("/studies").status == 200
    with visitor.page() as page:
        page.run(page="studies")
        assert all(title.encode() in page.received for title in TITLES)
    assert PASSPHRASE not in world.log()
    assert PASSPHRASE not in (world.home.keys / "passphrase.json").read_text()


# --- The attempts -------------------------------------------------------------------------------

Attempt = Callable[[World], Answer]
#: What is tried, the status and the sentence of its refusal, and what the log says of it.
ATTEMPTS: dict[str, tuple[Attempt, int, str, str]] = {}


def attempt(name: str, status: int, sentence: str, logged: str) -> Callable[[Attempt], Attempt]:
    def note(function: Attempt) -> Attempt:
        ATTEMPTS[name] = (function, status, sentence, logged)
        return function

    return note


def invitations(kind: str) -> Callable[[Attempt], Attempt]:
    return attempt(kind, 403, UNKNOWN_INVITATION, "Refused an invitation")


def signed_in(kind: str) -> Callable[[Attempt], Attempt]:
    return attempt(kind, 401, ENGLISH.not_invited, "Refused a visitor without a session")


def by_labeller(kind: str) -> Callable[[Attempt], Attempt]:
    return attempt(kind, 404, "Not found.", "Refused labeller")


def by_address(kind: str) -> Callable[[Attempt], Attempt]:
    return attempt(kind, 403, WRONG_ADDRESS, "Refused a request by another")


@invitations("a made-up invitation")
def _(world):
    return world.nobody.get("/?invitation=" + "A" * 55)


@invitations("an invitation with another signature")
def _(world):
    return world.nobody.get(f"/?invitation={world.invitation[:-1]}_")


@invitations("an invitation without its signature")
def _(world):
    return world.nobody.get(f"/?invitation={world.invitation.partition('.')[0]}")


@invitations("an invitation that somebody else signed")
def _(world):
    name = "x" * 32
    return world.nobody.get(
        f"/?invitation={name}.{sign(b'k' * 32, 'invitation', name, world.study, '')}"
    )


@invitations("SQL for an invitation")
def _(world):
    return world.nobody.get("/?invitation=%27%20OR%201%3D1%20--")


@invitations("a script for an invitation")
def _(world):
    return world.nobody.get("/?invitation=%3Cscript%3Ealert(1)%3C/script%3E")


@invitations("no text for an invitation")
def _(world):
    return world.nobody.get("/?invitation=%ff%fe%00")


@invitations("an expired invitation")
def _(world):
    gone = datetime.now(UTC) - timedelta(seconds=1)
    return world.nobody.get(
        f"/?invitation={invite(world.database, world.study, 'late', expires_at=gone)}"
    )


@invitations("a revoked invitation")
def _(world):
    token = invite(world.database, world.study, "revoked")
    revoke_labeller(world.database, world.id_of(token))
    return world.nobody.get(f"/?invitation={token}")


@signed_in("no session")
def _(world):
    return world.nobody.get("/")


@signed_in("no session, an image")
def _(world):
    return world.nobody.get("/media/" + "0" * 64 + ".png")


@signed_in("no session, an upload")
def _(world):
    return world.nobody.ask("PUT", "/_stcore/upload_file/a/b", body=b"x")


@signed_in("no session, Streamlit's own code")
def _(world):
    return world.nobody.get("/static/index.js")


@signed_in("a made-up session")
def _(world):
    return replace(world.nobody, cookie="e30.AAAAAAAAAAAAAAAAAAAAAA").get("/")


@signed_in("no text for a session")
def _(world):
    return replace(world.nobody, cookie="\x80.\xff").get("/")


@signed_in("a labeller's session, made a researcher's")
def _(world):
    text, _, signature = world.ann.cookie.partition(".")
    values = json.loads(base64.urlsafe_b64decode(f"{text}=="))
    version = stored_passphrase(world.home).version
    values |= {"way": "passphrase", "who": "Ann", "version": version}
    forged = base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")
    return replace(world.nobody, cookie=f"{forged}.{signature}").get("/results")


@signed_in("an expired session")
def _(world):
    version = stored_passphrase(world.home).version
    session = new_session(Way.PASSPHRASE, "Rae", version)
    return world.with_session(replace(session, expires=int(time.time()) - 1)).get("/")


@signed_in("a session that was signed out of")
def _(world):
    visitor = world.researcher
    values = json.loads(base64.urlsafe_b64decode(visitor.cookie.partition(".")[0] + "=="))
    end_session(world.database, values["id"], "2999-01-01T00:00:00.000000Z")
    return visitor.get("/")


@signed_in("a session of another passphrase")
def _(world):
    return world.with_session(new_session(Way.PASSPHRASE, "Rae", "0" * 16)).get("/")


@signed_in("a session of somebody who is not admitted")
def _(world):
    return world.with_session(new_session(Way.PROVIDER, "eve@example.org")).get("/")


@signed_in("a session of somebody who was removed")
def _(world):
    add_person(world.database, "rae@example.org")
    visitor = world.with_session(new_session(Way.PROVIDER, "rae@example.org"))
    assert visitor.get("/").status == 200
    remove_person(world.database, "rae@example.org")
    return visitor.get("/")


@signed_in("a session of a labeller whose link was revoked")
def _(world):
    token = invite(world.database, world.study, "revoked later")
    labeller = world.id_of(token)
    visitor = world.with_session(new_session(Way.INVITATION, str(labeller)))
    assert visitor.get("/").status == 200
    revoke_labeller(world.database, labeller)
    return visitor.get("/")


@signed_in("a session of SQL")
def _(world):
    return world.with_session(new_session(Way.PROVIDER, SQL)).get("/")


for address in (
    "/explore",
    "/results",
    "/studies",
    "/experiments?run=1",
    "/media/" + "0" * 64 + ".png",
    "/component/streamlit_x/index.html",
    "/_stcore/bidi-components/explore_stage/index.js",
    "/app/static/plainview.sqlite",
    "/plainview.sqlite",
    "/static/../studies",
    "/%2e%2e/var/plainview.sqlite",
    "/<script>alert(1)</script>",
    "/" + "x" * 5000,
):

    @by_labeller(f"a labeller at {address[:40]}")
    def _(world, address=address):
        return world.ann.get(address)


@by_labeller("a labeller's upload")
def _(world):
    return world.ann.ask("PUT", "/_stcore/upload_file/a/b", body=b"x")


@by_address("a name that was pointed here")
def _(world):
    return replace(world.researcher, host=f"evil.example:{world.server.port}").get("/")


@by_address("the address behind the proxy")
def _(world):
    return replace(world.researcher, host=f"127.0.0.1:{world.server.port}").get("/")


@by_address("a form on another site")
def _(world):
    visitor = replace(world.nobody, origin="https://evil.example")
    return visitor.post("/sign-in", name="Eve", passphrase=PASSPHRASE)


@by_address("a form of no site")
def _(world):
    return replace(world.researcher, origin="null").post("/sign-out")


@attempt("Streamlit's metrics", 404, "Not found.", "")
def _(world):
    return world.researcher.get("/_stcore/metrics")


@attempt("a large upload", 413, "This is too large.", "too large")
def _(world):
    return world.researcher.ask("PUT", "/_stcore/upload_file/a/b", body=b"x" * 6_000_000)


@attempt("a large form", 413, "This is too large.", "too large")
def _(world):
    return world.nobody.post("/sign-in", name="Eve", passphrase="x" * 10_000_000)


@attempt("a large form, announced as none", 400, "Give your name", "")
def _(world):
    return world.nobody.post("/sign-in", name="Eve", passphrase="x" * 100_000)


@attempt("a wrong passphrase", 403, "That is not the passphrase.", "Refused a wrong passphrase")
def _(world):
    return world.nobody.post("/sign-in", name="Eve", passphrase="correct horse battery stable")


@attempt("SQL for a passphrase", 403, "That is not the passphrase.", "Refused a wrong passphrase")
def _(world):
    return world.nobody.post("/sign-in", name="Eve", passphrase=SQL)


@attempt("a script for a name", 403, "That is not the passphrase.", "Refused a wrong passphrase")
def _(world):
    return world.nobody.post("/sign-in", name="<script>alert(1)</script>", passphrase="x" * 20)


@attempt("many passphrases", 429, "too often", "too many from 203.0.113.9")
def _(world):
    """The proxy says from where; others go on signing in."""
    for number in range(FROM_ONE + 1):
        answer = guess(world, f"a wrong guess {number}", "203.0.113.9")
    assert guess(world, PASSPHRASE, "203.0.113.9").status == 429
    assert guess(world, PASSPHRASE, "203.0.113.10").status == 303
    return answer


def guess(world: World, passphrase: str, address: str) -> Answer:
    form = urlencode({"name": "Eve", "passphrase": passphrase}).encode()
    return world.nobody.ask("POST", "/sign-in", {"X-Forwarded-For": address}, form)


@pytest.mark.parametrize("name", ATTEMPTS)
def test_an_attempt_is_refused_logged_and_changes_nothing(world: World, name: str) -> None:
    tried, status, sentence, logged = ATTEMPTS[name]
    before, log = _judged(world), world.log()
    answer = tried(world)
    assert answer.status == status
    assert sentence in answer.text
    assert "Traceback" not in answer.text and str(world.home.root) not in answer.text
    assert answer.cookie is None
    assert [title for title in TITLES if title in answer.text] == []
    assert logged in world.log().removeprefix(log)
    assert _judged(world) == before
    assert "Traceback" not in world.log()


def _judged(world: World) -> str:
    """What no attempt may change; some of them prepare a labeller or a person themselves."""
    kept = ("judgements", "comments", "retractions", "labeller_events", "studies", "study_items")
    return repr([list(world.database[table].rows) for table in kept])


# --- Websockets ---------------------------------------------------------------------------------

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
        {"milliseconds": "nan"},
        {"searches": 1e400},
    ],
    ids=str,
)
def test_an_answer_that_no_browser_gives_is_not_taken(world: World, changes) -> None:
    """Of another item (of another study, too: items have no names here), or malformed."""
    ann = world.id_of(world.invitation)
    with world.ann.page() as page:
        page.run()
        task = next_task(world.database, ann)
        before = _judged(world)
        if changes == {"number": "the next"}:
            changes = {"number": task.number + 1}
        if changes == {"side": "the other"}:
            changes = {"side": {"source": "right", "perturbed": "left"}[task.side]}
        page.send("answer", answer_to(task, **changes))
        assert _judged(world) == before
    assert "Traceback" not in world.log()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x" * 10_000_000, ENGLISH.comment_too_long.format(longest=LONGEST_COMMENT)),
        ("x" * (LONGEST_COMMENT + 1), ENGLISH.comment_too_long.format(longest=LONGEST_COMMENT)),
        ({"text": SQL}, ENGLISH.comment_too_long.format(longest=LONGEST_COMMENT)),
    ],
    ids=["10 MB", "one too many", "no text"],
)
def test_a_comment_that_cannot_be_kept_is_refused_in_a_sentence(
    world: World, text, problem
) -> None:
    log, before = world.log(), _judged(world)
    with world.ann.page() as page:
        page.run()
        task = next_task(world.database, world.id_of(world.invitation))
        [shown] = [one for one in page.send("comment", comment_on(task, text)) if "turn" in one]
    assert json.loads(shown)["problem"] == problem
    assert "A comment of labeller" in world.log().removeprefix(log)
    assert _judged(world) == before


def comment_on(task, text: object) -> dict[str, object]:
    return {"number": task.number, "text": text, "held": []}


@pytest.mark.parametrize("text", [SQL, "<script>alert(1)</script>", "\0\u202e😀{{7*7}}", HALF])
def test_a_comment_of_sql_or_script_is_kept_as_its_text(world: World, text: str) -> None:
    with world.ann.page() as page:
        page.run()
        task = next_task(world.database, world.id_of(world.invitation))
        before = _judged_without_comments(world)
        page.send("comment", comment_on(task, text))
    newest = max(world.database["comments"].rows, key=lambda row: row["id"])
    assert newest["text"] == text.replace(HALF, "?")
    assert _judged_without_comments(world) == before


def _judged_without_comments(world: World) -> str:
    kept = ("judgements", "studies", "study_items", "labellers", "experiments")
    return repr([list(world.database[table].rows) for table in kept])


def test_a_message_beyond_all_measure_closes_the_page(world: World) -> None:
    log, before = world.log(), _judged(world)
    with pytest.raises(Closed), world.ann.page() as page:
        page.run()
        task = next_task(world.database, world.id_of(world.invitation))
        page.send("comment", comment_on(task, "x" * 30_000_000))
    assert "exceeds the limit" in world.log().removeprefix(log)
    assert _judged(world) == before


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


def test_the_tables_are_all_there_at_the_end(world: World) -> None:
    assert world.database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert len(labellers(world.database, world.other_study)) == 1
    assert UNAVAILABLE not in world.log()
