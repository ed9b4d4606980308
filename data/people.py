"""Who may sign in by e-mail address, and which sessions have ended before their time."""

from __future__ import annotations

from dataclasses import dataclass

from sqlite_utils import Database

from data.database import immediate, insert_once
from data.stamps import now


@dataclass(frozen=True)
class Person:
    """Somebody who signs in with an OpenID Connect provider; researchers, for now."""

    email: str
    role: str
    created_at: str
    removed_at: str | None


def add_person(database: Database, email: str) -> None:
    """Admits a researcher, or again. Raises ValueError for what is no e-mail address."""
    address = email.strip().lower()
    name, _, place = address.rpartition("@")
    if not name or not place or any(character.isspace() for character in address):
        raise ValueError(f"{email!r} is no e-mail address: give one such as ann@example.org.")
    with immediate(database):
        database.execute(
            "INSERT INTO people (email, role, created_at) VALUES (?, 'researcher', ?)"
            " ON CONFLICT (email) DO UPDATE SET removed_at = NULL",
            [address, now()],
        )


def remove_person(database: Database, email: str) -> bool:
    """Refuses somebody from now on, sessions included; False for somebody who is not admitted."""
    with immediate(database):
        done = database.execute(
            "UPDATE people SET removed_at = ? WHERE email = ? AND removed_at IS NULL",
            [now(), email.strip().lower()],
        )
        return done.rowcount == 1


def is_researcher(database: Database, email: str) -> bool:
    """Whether this address is a researcher's."""
    row = database.execute(
        "SELECT 1 FROM people WHERE email = ? AND role = 'researcher' AND removed_at IS NULL",
        [email.strip().lower()],
    ).fetchone()
    return row is not None


def people(database: Database) -> list[Person]:
    """All who were ever admitted, by address."""
    return [Person(**row) for row in database["people"].rows_where(order_by="email")]


def end_session(database: Database, session_id: str, expires_at: str) -> None:
    """Notes that a session has ended; those that have expired anyway are forgotten."""
    with immediate(database):
        database.execute("DELETE FROM ended_sessions WHERE expires_at < ?", [now()])
        insert_once(database, "ended_sessions", {"id": session_id, "expires_at": expires_at})


def has_ended(database: Database, session_id: str) -> bool:
    """Whether somebody has signed out of this session."""
    found = database.execute("SELECT 1 FROM ended_sessions WHERE id = ?", [session_id])
    return found.fetchone() is not None
