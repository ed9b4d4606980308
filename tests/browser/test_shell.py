"""The shell around the pages: who sees which, what leaves the server, and what a failure shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocket, expect

from app.access import NO_INVITATION, UNKNOWN_INVITATION
from app.guard import FAILED
from data import jobs
from data.database import open_database
from data.experiments import create_experiment
from data.home import Home
from data.labellers import add_labeller, labellers, revoke_labeller
from data.studies import create_study
from tests.app.processes import until
from tests.browser.conftest import wait_until_ready

Visit = Callable[[str], Page]

TITLES = ["Explore", "Results", "Studies", "Experiments", "Maps"]


def invitation(home: Path, name: str) -> tuple[str, int]:
    """A labeller's token and id, in a study without items."""
    database = open_database(Home(home))
    study = create_study(database, name="s", experiment_ids=[], options={}, created_by="test")
    token = add_labeller(database, study, name)
    return token, labellers(database, study)[0].id


def received(page: Page) -> list[bytes]:
    """Every websocket frame that the page receives from now on, in one growing list."""
    frames: list[bytes] = []

    def keep(frame: str | bytes) -> None:
        frames.append(frame.encode() if isinstance(frame, str) else frame)

    def watch(socket: WebSocket) -> None:
        socket.on("framereceived", keep)

    page.on("websocket", watch)
    return frames


def test_a_researcher_sees_the_pages_in_order(visit: Visit) -> None:
    expect(visit("/").get_by_test_id("stTopNavLink")).to_have_text(TITLES)


@pytest.mark.parametrize("address", ["/", "/results", "/studies", "/experiments"])
def test_each_page_opens_without_a_failure(visit: Visit, complaints, address: str) -> None:
    page = visit(address)
    expect(page.get_by_test_id("stHeading").first).to_be_visible()
    expect(page.get_by_text(FAILED)).to_have_count(0)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert complaints.messages == []


def test_nothing_is_asked_of_another_computer(visit: Visit, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    visit("/")
    local = ("http://127.0.0.1:", "data:", "blob:")
    assert asked
    assert [url for url in asked if not url.startswith(local)] == []


def test_a_labeller_is_sent_nothing_of_the_other_pages(app, visit: Visit, page: Page) -> None:
    token, _ = invitation(app.home, "Ann")
    frames = received(page)
    visit(f"/?invitation={token}")
    sent = b"".join(frames).lower()
    assert len(sent) > 1000
    assert [title for title in TITLES if title.lower().encode() in sent] == []


@pytest.mark.parametrize("address", ["/explore", "/results", "/studies", "/experiments"])
def test_a_labeller_who_guesses_an_address_finds_nothing_there(
    app, visit: Visit, page: Page, address: str
) -> None:
    token, _ = invitation(app.home, "Bea")
    visit(f"{address}?invitation={token}")
    expect(page.get_by_text("Page not found")).to_be_visible()
    expect(page.get_by_test_id("stTopNavLink")).to_have_count(0)


@pytest.mark.parametrize("kind", ["unknown", "revoked"])
def test_an_invitation_that_does_not_hold_is_refused_and_logged(
    app, visit: Visit, page: Page, kind: str
) -> None:
    token, labeller_id = invitation(app.home, kind)
    if kind == "revoked":
        revoke_labeller(open_database(Home(app.home)), labeller_id)
    else:
        token += "x"
    frames = received(page)
    visit(f"/?invitation={token}")
    expect(page.get_by_text(UNKNOWN_INVITATION)).to_be_visible()
    sent = b"".join(frames)
    assert [title for title in TITLES if title.encode() in sent] == []
    log = (app.home / "logs" / "app.log").read_text()
    assert "Refused an unknown or revoked invitation" in log
    assert token not in log


def test_whoever_comes_by_another_name_needs_an_invitation(app, page: Page) -> None:
    page.goto(app.url.replace("127.0.0.1", "plainview.test"))
    expect(page.get_by_text(NO_INVITATION)).to_be_visible()
    expect(page.get_by_test_id("stTopNavLink")).to_have_count(0)


def test_the_header_lists_the_jobs_and_stops_them(own_app, page: Page) -> None:
    database = open_database(Home(own_app.home))
    experiment = create_experiment(
        database,
        kind="experiment",
        name="queued",
        definition={},
        conditions=[],
        code_version="test",
        generator="none",
        generator_checksum="none",
        seed=0,
        trials=1,
        created_by="Ann",
    )
    # No worker serves this device, so the job waits until somebody stops it.
    job = jobs.submit(
        database, kind="experiment", experiment_id=experiment, owner="Ann", device="none"
    )
    page.goto(own_app.url)
    page.get_by_role("button", name="none · 1 job").click()
    expect(page.get_by_text("Experiment of Ann: waiting")).to_be_visible()
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Stop").click()
    expect(page.get_by_text("idle")).to_be_visible()
    stopped = jobs.job(database, job)
    assert stopped is not None
    assert stopped.state == "stopped"


def test_a_damaged_database_is_one_sentence_on_the_page_and_details_in_the_log(
    own_app, page: Page
) -> None:
    page.goto(own_app.url)
    expect(page.get_by_test_id("stTopNavLink")).to_have_count(len(TITLES))
    wait_until_ready(page)
    page.goto("about:blank")  # a page that is open asks every two seconds, and makes a new file
    for file in own_app.home.glob("plainview.sqlite*"):
        file.unlink()
    (own_app.home / "plainview.sqlite").write_bytes(b"not a database " * 1000)
    page.goto(own_app.url)
    expect(page.get_by_text("its file holds something else").first).to_be_visible()
    assert "Traceback" not in page.content()
    assert "Traceback" in (own_app.home / "logs" / "app.log").read_text()


def test_the_server_says_where_it_listens_and_keeps_things(app) -> None:
    until(lambda: app.url in app.output.read_text())  # it is ready a moment before it says so
    printed = app.output.read_text()
    assert str(app.home) in printed
    assert f"logs in {app.home / 'logs'}" in printed
    assert (app.home / "logs" / "app.log").is_file()
