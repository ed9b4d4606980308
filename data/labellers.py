"""Rows of labellers: who is invited to a study, and by which token."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from data.database import immediate, insert_once
from data.keys import key_beside, sign, signed_so
from data.stamps import now, timestamp

#: What the signature of an invitation is for.
INVITATION = "invitation"
#: An invitation that holds now, the time being the parameter.
VALID = "revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)"


@dataclass(frozen=True)
class Labeller:
    """One person in one study. `order_seed` (53 bits) decides the order of that person's items."""

    id: int
    study_id: str
    name: str
    order_seed: int
    created_at: str
    revoked_at: str | None
    expires_at: str | None

    @property
    def link(self) -> str:
        """What has become of the invitation: "valid", "expired" or "revoked"."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now() else "valid"


def add_labeller(
    database: Database, study_id: str, name: str, *, expires_at: datetime | None = None
) -> str:
    """Admits a person to a study and returns the invitation token.

    The token is 55 characters fit for a URL, and is shown this once: only its hash is kept.
    """
    until = timestamp(expires_at) if expires_at else None
    token = _new_token(database, study_id, until)
    with immediate(database):
        database["labellers"].insert(
            {
                "study_id": study_id,
                "name": name,
                "token_hash": _token_hash(token),
                "signed": 1,
                "order_seed": secrets.randbits(53),
                "created_at": now(),
                "expires_at": until,
            }
        )
    return token


def add_uninvited(database: Database, study_id: str, name: str, *, created_at: str) -> int:
    """Adds somebody who judged elsewhere, and whom no token lets in; the labeller's number."""
    labeller_id = insert_once(
        database,
        "labellers",
        {
            "study_id": study_id,
            "name": name,
            "token_hash": secrets.token_hex(32),  # of no token
            "order_seed": secrets.randbits(53),
            "created_at": created_at,
            "revoked_at": now(),
        },
    )
    assert labeller_id is not None, "nothing of it is there already"
    return labeller_id


def renew_invitation(
    database: Database, labeller_id: int, *, expires_at: datetime | None = None
) -> str | None:
    """A new token for somebody who has been invited; the old one is useless from now on.

    None for nobody of this id. Whoever was revoked or whose link expired may come back with it.
    """
    until = timestamp(expires_at) if expires_at else None
    with immediate(database):
        row = database.execute(
            "SELECT study_id FROM labellers WHERE id = ?", [labeller_id]
        ).fetchone()
        if row is None:
            return None
        token = _new_token(database, row[0], until)
        database.execute(
            "UPDATE labellers SET token_hash = ?, signed = 1, expires_at = ?, revoked_at = NULL"
            " WHERE id = ?",
            [_token_hash(token), until, labeller_id],
        )
    return token


def labeller_of(database: Database, token: str) -> Labeller | None:
    """Whose invitation it is; None for a forged, revoked or expired one.

    Its second half signs the first for one study and one expiry, with the key of the home folder:
    whoever writes a hash into a database, or brings a database from elsewhere, gets nobody in.
    Invitations of schema 2 and before have no such half.
    """
    row = database.execute(
        f"SELECT id, study_id, expires_at, signed FROM labellers WHERE token_hash = ? AND {VALID}",
        [_token_hash(token), now()],
    ).fetchone()
    if row is None:
        return None
    labeller_id, study_id, expires_at, signed = row
    name, _, signature = token.partition(".")
    if signed and not signed_so(
        key_beside(database), signature, INVITATION, name, study_id, expires_at or ""
    ):
        return None
    return invited_labeller(database, labeller_id)


def invited_labeller(database: Database, labeller_id: int) -> Labeller | None:
    """The labeller of this id, while that person's invitation holds."""
    where = f"id = ? AND {VALID}"
    return next(iter(_labellers(database, where, [labeller_id, now()])), None)


def labellers(database: Database, study_id: str) -> list[Labeller]:
    """A study's labellers, in the order of their invitations, the revoked ones too."""
    return _labellers(database, "study_id = ?", [study_id])


def revoke_labeller(database: Database, labeller_id: int) -> None:
    """Makes an invitation useless from now on; the judgements made with it stay."""
    with immediate(database):
        database.execute(
            "UPDATE labellers SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?",
            [now(), labeller_id],
        )


def _labellers(database: Database, where: str, parameters: Sequence[Any]) -> list[Labeller]:
    rows = list(database["labellers"].rows_where(where, parameters, order_by="id"))
    for row in rows:
        del row["token_hash"], row["signed"]
    return [Labeller(**row) for row in rows]


def _new_token(database: Database, study_id: str, expires_at: str | None) -> str:
    name = secrets.token_urlsafe(24)
    key = key_beside(database)
    return f"{name}.{sign(key, INVITATION, name, study_id, expires_at or '')}"


def _token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
