"""Where the app is served and how people sign in there: addresses, passphrase, provider, logs."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from app.commands import passphrase as passphrase_command
from app.commands import people as people_command
from app.commands.serve import _cut
from app.logs import LARGEST_BYTES
from app.passphrase import (
    FROM_ALL,
    FROM_ONE,
    WITHIN_SECONDS,
    Guesses,
    remove_passphrase,
    set_passphrase,
    stored_passphrase,
)
from app.runner.request import RequestError
from app.serving import check_ways_in, served, served_at, stored_provider
from app.sessions import Way, new_session, opened, sealed
from data.database import open_database
from data.home import Home, HomeError
from data.keys import write_secret
from data.labellers import add_labeller, labeller_of, labellers
from data.studies import create_study

WORDS = "correct horse battery staple"


@pytest.fixture
def empty_home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


# --- Addresses ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "origin", "base", "host", "secure"),
    [
        ("https://a.example", "https://a.example", "", "a.example", True),
        ("https://A.Example/", "https://a.example", "", "a.example", True),
        ("https://a.example:443/x/", "https://a.example", "/x", "a.example", True),
        ("https://a.example:8443/x/y", "https://a.example:8443", "/x/y", "a.example:8443", True),
        ("http://localhost:8501", "http://localhost:8501", "", "localhost:8501", False),
        ("http://[::1]:8501", "http://[::1]:8501", "", "[::1]:8501", False),
    ],
)
def test_an_address_is_read_as_browsers_write_it(address, origin, base, host, secure) -> None:
    here = served_at(address)
    assert (here.origin, here.base, here.host, here.secure) == (origin, base, host, secure)
    assert served_at(str(here)) == here


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("labels.example.org", "no address"),
        ("ftp://labels.example.org", "no address"),
        ("https://", "no address"),
        ("https://a.example:x", "no address"),
        ("https://[::1", "no address"),
        ("https://a.example/?x=1", "no address"),
        ("http://labels.example.org", "in the clear"),
        ("http://192.168.1.20:8501", "in the clear"),
    ],
)
def test_an_address_that_is_not_fit_is_refused_in_a_sentence(address: str, sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        served_at(address)


def test_without_an_address_it_is_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAINVIEW_SERVE_AT", "")
    assert served() is None


# --- Nobody is served without sign-in -----------------------------------------------------------


def test_the_command_does_not_serve_while_nobody_could_sign_in(
    run: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = run("serve", "--serve-at", "https://labels.example.org")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "python -m app passphrase set" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_gate_does_not_stand_while_nobody_could_sign_in(
    home_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`streamlit run` with the address in the environment is no way around."""
    from app.gate import Gate

    monkeypatch.setenv("PLAINVIEW_SERVE_AT", "https://labels.example.org")
    with pytest.raises(RequestError, match="Nobody can sign in"):
        Gate(None)
    set_passphrase(Home(home_folder), WORDS)
    Gate(None)


PROVIDER = 'issuer = "https://id.example/"\nclient_id = "a"\nclient_secret = "b"\n'


def test_a_provider_is_a_way_in(empty_home: Home) -> None:
    assert stored_provider(empty_home) is None
    write_secret(empty_home.keys / "provider.toml", PROVIDER.encode())
    provider = check_ways_in(empty_home).provider
    assert (provider.issuer, provider.addresses_are_verified) == ("https://id.example", False)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("issuer = ", "not TOML"),
        (PROVIDER.replace("client_id", "client"), "client_id wrong or missing"),
        (PROVIDER.replace('"b"', '""'), "client_secret wrong or missing"),
        (PROVIDER + "addresses_are_verified = 1", "addresses_are_verified wrong"),
        (PROVIDER.replace("https:", "http:"), "https://"),
    ],
)
def test_a_providers_file_that_is_wrong_is_said(empty_home: Home, text: str, sentence: str) -> None:
    write_secret(empty_home.keys / "provider.toml", text.encode())
    with pytest.raises(RequestError, match=sentence):
        check_ways_in(empty_home)


def test_a_providers_secret_that_others_may_read_is_not_used(empty_home: Home) -> None:
    file = empty_home.keys / "provider.toml"
    file.write_text(PROVIDER)
    file.chmod(0o644)
    with pytest.raises(RequestError, match="chmod 600"):
        check_ways_in(empty_home)


# --- The passphrase -----------------------------------------------------------------------------


def test_of_the_passphrase_only_a_hash_is_kept(empty_home: Home) -> None:
    assert stored_passphrase(empty_home) is None
    set_passphrase(empty_home, "Zoë's   long passphrase")
    file = empty_home.keys / "passphrase.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "long" not in file.read_text()
    kept = stored_passphrase(empty_home)
    assert kept.is_right("Zoë's   long passphrase")
    assert kept.is_right("Zoe\u0308's   long passphrase")  # the same, as another keyboard writes it
    for wrong in ("", "zoë's   long passphrase", "Zoë's long passphrase", "x" * 10_000_000):
        assert not kept.is_right(wrong)


def test_the_same_passphrase_set_again_is_another_version(empty_home: Home) -> None:
    versions = set()
    for _ in range(2):
        set_passphrase(empty_home, WORDS)
        versions.add(stored_passphrase(empty_home).version)
    assert len(versions) == 2
    assert remove_passphrase(empty_home)
    assert not remove_passphrase(empty_home)
    assert stored_passphrase(empty_home) is None


@pytest.mark.parametrize("text", ["", "short", "x" * 1001])
def test_a_passphrase_that_can_be_guessed_is_not_set(empty_home: Home, text: str) -> None:
    with pytest.raises(RequestError, match="12 to 1000"):
        set_passphrase(empty_home, text)
    assert stored_passphrase(empty_home) is None


@pytest.mark.parametrize("damage", ["{", "[]", '{"salt": "00"}'])
def test_a_damaged_file_is_said_and_lets_nobody_in(empty_home: Home, damage: str) -> None:
    (empty_home.keys / "passphrase.json").write_text(damage)
    with pytest.raises(HomeError, match="passphrase set"):
        stored_passphrase(empty_home)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_after_some_wrong_guesses_an_address_waits() -> None:
    clock = Clock()
    guesses = Guesses(clock)
    for _ in range(FROM_ONE):
        assert guesses.wait_seconds("a") == 0
        guesses.failed("a")
        clock.now += 1
    assert guesses.wait_seconds("a") == WITHIN_SECONDS - FROM_ONE
    assert guesses.wait_seconds("b") == 0
    clock.now += WITHIN_SECONDS - FROM_ONE
    assert guesses.wait_seconds("a") == 0
    guesses.failed("a")
    assert guesses.wait_seconds("a") > 0


def test_who_knows_it_begins_anew() -> None:
    guesses = Guesses(Clock())
    for _ in range(FROM_ONE - 1):
        guesses.failed("a")
    guesses.succeeded("a")
    guesses.failed("a")
    assert guesses.wait_seconds("a") == 0


def test_many_addresses_together_are_held_up_too() -> None:
    guesses = Guesses(Clock())
    for number in range(FROM_ALL):
        guesses.failed(str(number))
    assert guesses.wait_seconds("another") == WITHIN_SECONDS


# --- Sessions -----------------------------------------------------------------------------------


def test_a_session_comes_back_as_it_was_sealed_and_not_otherwise(
    empty_home: Home, tmp_path: Path
) -> None:
    session = new_session(Way.PROVIDER, "zoë@example.org")
    cookie = sealed(empty_home, session)
    assert opened(empty_home, cookie) == session
    assert opened(Home(tmp_path / "another"), cookie) is None
    for place in range(len(cookie)):
        changed = cookie[:place] + ("A" if cookie[place] != "A" else "B") + cookie[place + 1 :]
        assert opened(empty_home, changed) is None
    for nonsense in ("", ".", "..", "ü.ü", cookie.partition(".")[0]):
        assert opened(empty_home, nonsense) is None


# --- Commands and logs --------------------------------------------------------------------------


def do(command, empty_home: Home, *words: str) -> int:
    import argparse

    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    parser.add_argument("--home")
    return command.run(parser.parse_args([*words, "--home", str(empty_home.root)]))


def test_people_from_a_terminal(empty_home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert do(people_command, empty_home, "add", "Ann@example.org", "bob@example.org") == 0
    assert do(people_command, empty_home, "remove", "bob@example.org") == 0
    capsys.readouterr()
    assert do(people_command, empty_home, "list", "--json") == 0
    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["email"], one["removed_at"] is None) for one in listed] == [
        ("ann@example.org", True),
        ("bob@example.org", False),
    ]


@pytest.mark.parametrize(
    "words",
    [
        ("add",),
        ("add", "nobody"),
        ("remove", "eve@example.org"),
        ("list", "ann"),
        ("link",),
        ("link", "x"),
        ("link", "17"),
    ],
)
def test_people_says_what_it_cannot_do(empty_home: Home, words: tuple[str, ...]) -> None:
    with pytest.raises(RequestError):
        do(people_command, empty_home, *words)


def test_the_passphrase_from_a_pipe(empty_home: Home, monkeypatch, tmp_path: Path) -> None:
    file = tmp_path / "words"
    file.write_text(f"{WORDS}\n")
    with file.open() as pipe:
        monkeypatch.setattr("sys.stdin", pipe)
        assert do(passphrase_command, empty_home, "set") == 0
    assert stored_passphrase(empty_home).is_right(WORDS)
    assert do(passphrase_command, empty_home, "remove") == 0
    assert stored_passphrase(empty_home) is None


def test_what_the_processes_print_begins_anew_before_it_fills_the_disk(tmp_path: Path) -> None:
    file = tmp_path / "serve.output"
    with file.open("ab") as output:
        os.write(output.fileno(), b"a" * LARGEST_BYTES)
        _cut(file)
        assert file.stat().st_size == LARGEST_BYTES
        os.write(output.fileno(), b"b")
        _cut(file)
        os.write(output.fileno(), b"c")
    assert file.read_bytes() == b"c"
    assert (tmp_path / "serve.output.1").read_bytes() == b"a" * LARGEST_BYTES + b"b"


def test_a_new_link_from_a_terminal(empty_home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(open_database(empty_home)) as database:
        study = create_study(database, name="s", experiment_ids=[], options={}, created_by="test")
        add_labeller(database, study, "Ada")
        [ada] = labellers(database, study)
        assert do(people_command, empty_home, "link", str(ada.id), "--days", "2") == 0
        token = capsys.readouterr().out.strip().removeprefix("?invitation=")
        assert labeller_of(database, token).id == ada.id
        assert labeller_of(database, token).expires_at is not None
