"""The home's key: one a home, only its owner's, and what is signed with it."""

from __future__ import annotations

import hashlib
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlite_utils import Database

from data.database import open_database
from data.home import Home, HomeError
from data.keys import key_beside, sign, signed_so, signing_key, write_secret
from data.labellers import add_labeller, labeller_of, labellers, renew_invitation
from data.people import (
    add_person,
    end_session,
    has_ended,
    is_researcher,
    people,
    remove_person,
)
from data.studies import create_study


def test_a_home_has_one_key_whoever_asks_first(home: Home) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: signing_key(home), range(32)))
    (key,) = keys
    assert len(key) == 32
    assert key == key_beside(open_database(home))
    assert [file.name for file in home.keys.iterdir()] == ["signing.key"]


def test_only_the_owner_may_read_it(home: Home) -> None:
    home.keys.chmod(0o755)
    signing_key(home)
    write_secret(home.keys / "other", b"x")
    modes = [stat.S_IMODE(file.stat().st_mode) for file in (home.keys, *home.keys.iterdir())]
    assert modes == [0o700, 0o600, 0o600]


def test_a_damaged_key_is_said(home: Home) -> None:
    (home.keys / "signing.key").write_bytes(b"short")
    with pytest.raises(HomeError, match="damaged"):
        signing_key(home)


def test_what_is_signed_is_for_one_purpose_one_text_and_one_key() -> None:
    key = b"k" * 32
    signature = sign(key, "invitation", "ab", "c")
    assert signed_so(key, signature, "invitation", "ab", "c")
    assert not signed_so(key, signature, "session", "ab", "c")
    assert not signed_so(key, signature, "invitation", "a", "bc")
    assert not signed_so(b"l" * 32, signature, "invitation", "ab", "c")
    assert not signed_so(key, "ünsinn", "invitation", "ab", "c")


# --- Invitations --------------------------------------------------------------------------------


@pytest.fixture
def invited(database: Database) -> tuple[str, int]:
    """A token and whose it is."""
    study_id = create_study(database, name="s", experiment_ids=[], options={}, created_by="test")
    token = add_labeller(database, study_id, "Ada")
    return token, labellers(database, study_id)[0].id


def test_a_hash_written_into_the_database_is_no_invitation(
    database: Database, invited: tuple[str, int]
) -> None:
    """Nor is an expiry that was moved there: the signature is over both."""
    token, labeller_id = invited
    assert labeller_of(database, token).id == labeller_id
    database.execute("UPDATE labellers SET expires_at = '2999-01-01T00:00:00.000000Z'")
    assert labeller_of(database, token) is None
    forged = "a" * 32 + "." + "b" * 22
    digest = hashlib.sha256(forged.encode()).hexdigest()
    database.execute("UPDATE labellers SET token_hash = ?, expires_at = NULL", [digest])
    assert labeller_of(database, forged) is None


def test_the_database_without_its_home_opens_to_nobody(
    database: Database, invited: tuple[str, int], tmp_path: Path
) -> None:
    elsewhere = Home(tmp_path / "elsewhere")
    database.execute("VACUUM INTO ?", [str(elsewhere.database)])
    assert labeller_of(database, invited[0]) is not None
    assert labeller_of(open_database(elsewhere), invited[0]) is None


def test_an_invitation_of_before_is_good_without_a_signature(
    database: Database, invited: tuple[str, int]
) -> None:
    old = "o" * 32
    digest = hashlib.sha256(old.encode()).hexdigest()
    database.execute("UPDATE labellers SET token_hash = ?, signed = 0", [digest])
    assert labeller_of(database, old).id == invited[1]


def test_a_new_link_replaces_the_old_one(database: Database, invited: tuple[str, int]) -> None:
    token, labeller_id = invited
    renewed = renew_invitation(database, labeller_id)
    assert labeller_of(database, token) is None
    assert labeller_of(database, renewed).id == labeller_id
    assert renew_invitation(database, 999) is None


# --- People and sessions ------------------------------------------------------------------------


def test_people_are_admitted_and_removed_by_address(database: Database) -> None:
    add_person(database, " Ann@Example.ORG ")
    assert is_researcher(database, "ann@example.org") and is_researcher(database, "ANN@example.org")
    assert not is_researcher(database, "ann@example.org.evil.test")
    assert remove_person(database, "ann@example.org")
    assert not remove_person(database, "ann@example.org")
    assert not is_researcher(database, "ann@example.org")
    add_person(database, "ann@example.org")
    assert [(one.email, one.removed_at) for one in people(database)] == [("ann@example.org", None)]


@pytest.mark.parametrize("nonsense", ["", "ann", "@example.org", "ann@", "an n@example.org"])
def test_what_is_no_address_is_refused(database: Database, nonsense: str) -> None:
    with pytest.raises(ValueError, match="e-mail address"):
        add_person(database, nonsense)
    assert people(database) == []


def test_an_ended_session_is_remembered_until_it_would_have_expired(database: Database) -> None:
    end_session(database, "old", "2001-01-01T00:00:00.000000Z")
    end_session(database, "new", "2999-01-01T00:00:00.000000Z")
    end_session(database, "new", "2999-01-01T00:00:00.000000Z")
    assert has_ended(database, "new") and not has_ended(database, "old")
