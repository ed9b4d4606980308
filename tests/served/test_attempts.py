"""Attempts on a served app: each gets a plain refusal and a line in the log, and changes nothing.

The server is real, over HTTP and websockets; the visitors say what no browser would.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest

from app.access import UNKNOWN_INVITATION
from app.passphrase import FROM_ONE, stored_passphrase
from app.sessions import Way, new_session
from data.keys import sign
from data.labellers import revoke_labeller
from data.people import add_person, end_session, remove_person
from labelling.studies import invite
from labelling.wording import ENGLISH
from tests.served.visits import Answer, Visitor
from tests.served.world import PASSPHRASE, SQL, TITLES, World


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
    return attempt(kind, 403, ENGLISH.wrong_address, "Refused a request by another")


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
    "/maps",
    "/maps?map=1",
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
    return world.researcher.ask("PUT", "/_stcore/upload_file/a/b", body=b"x" * 52_000_000)


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


@attempt("a script for a name", 400, "Your name holds what reads as an HTML tag", "Refused a text")
def _(world):
    return world.nobody.post("/sign-in", name="<script>alert(1)</script>", passphrase=PASSPHRASE)


@attempt("SQL for a name", 400, "Your name holds what reads as an SQL statement", "Refused a text")
def _(world):
    return world.nobody.post("/sign-in", name=SQL, passphrase=PASSPHRASE)


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
    before, log = world.judged(), world.log()
    answer = tried(world)
    assert answer.status == status
    assert sentence in answer.text
    assert "Traceback" not in answer.text and str(world.home.root) not in answer.text
    assert answer.cookie is None
    assert [title for title in TITLES if title in answer.text] == []
    assert logged in world.log().removeprefix(log)
    assert world.judged() == before
    assert "Traceback" not in world.log()
