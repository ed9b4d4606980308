"""Sessions of served mode: a signed, expiring cookie that says who somebody is."""

from __future__ import annotations

import base64
import json
import secrets
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlite_utils import Database

from app.passphrase import stored_passphrase
from data.home import Home
from data.keys import sign, signed_so, signing_key
from data.labellers import invited_labeller
from data.people import end_session, has_ended, is_researcher
from data.stamps import timestamp

#: The cookie, and what its signature is for.
COOKIE = "plainview"
PURPOSE = "session"

HOUR = 3600


class Role(StrEnum):
    """What a visitor may see: the researcher's pages, the Label page only, or nothing."""

    RESEARCHER = "researcher"
    LABELLER = "labeller"
    REFUSED = "refused"


class Way(StrEnum):
    """How somebody came in."""

    PASSPHRASE = "passphrase"
    PROVIDER = "provider"
    INVITATION = "invitation"


#: How long a session lasts, in seconds. A labeller's begins anew whenever the link is opened.
LASTS = {Way.PASSPHRASE: 12 * HOUR, Way.PROVIDER: 12 * HOUR, Way.INVITATION: 7 * 24 * HOUR}


@dataclass(frozen=True)
class Session:
    """Who somebody is, until `expires` (epoch seconds).

    `who` is a labeller's number, a provider's e-mail address, or the name given at the passphrase;
    `version` that passphrase's.
    """

    id: str
    way: Way
    who: str
    expires: int
    version: str = ""

    @property
    def role(self) -> Role:
        """What the way in leads to."""
        return Role.LABELLER if self.way is Way.INVITATION else Role.RESEARCHER


def new_session(way: Way, who: str, version: str = "") -> Session:
    """A session that begins now."""
    return Session(secrets.token_hex(8), way, who, int(time.time()) + LASTS[way], version)


def sealed(home: Home, session: Session) -> str:
    """The session as a cookie's value, signed with the home's key."""
    text = base64.urlsafe_b64encode(json.dumps(asdict(session)).encode()).decode()
    text = text.rstrip("=")
    return f"{text}.{sign(signing_key(home), PURPOSE, text)}"


def opened(home: Home, cookie: str) -> Session | None:
    """The session in a cookie's value; None when it was not sealed here."""
    text, _, signature = cookie.partition(".")
    if not signed_so(signing_key(home), signature, PURPOSE, text):
        return None
    values = json.loads(base64.urlsafe_b64decode(f"{text}=="))
    return Session(**values | {"way": Way(values["way"])})


def holds(home: Home, database: Database, session: Session) -> bool:
    """Whether a session still stands for somebody who may come in.

    It ends when it expires, by signing out, when the invitation is revoked or expires, when the
    person is removed, and when the passphrase is changed.
    """
    if session.expires <= time.time() or has_ended(database, session.id):
        return False
    match session.way:
        case Way.INVITATION:
            return invited_labeller(database, int(session.who)) is not None
        case Way.PROVIDER:
            return is_researcher(database, session.who)
        case Way.PASSPHRASE:
            passphrase = stored_passphrase(home)
            return passphrase is not None and passphrase.version == session.version


def end(database: Database, session: Session) -> None:
    """Sign out: no copy of the cookie is worth anything from now on."""
    expires = datetime.fromtimestamp(session.expires, UTC)
    end_session(database, session.id, timestamp(expires))
