"""Who is here, and what they work on: the visitor, the home folder, a connection a thread."""

from __future__ import annotations

import getpass
import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

import streamlit as st
from sqlite_utils import Database

from app.connections import Connections
from app.serving import LOOPBACK, served
from app.sessions import COOKIE, Role, holds, opened
from data.home import Home, home
from data.labellers import Labeller, invited_labeller, labeller_of
from labelling.wording import ENGLISH

log = logging.getLogger(__name__)

#: The query parameter of a labeller's link.
INVITATION = "invitation"
UNKNOWN_INVITATION = ENGLISH.invitation_unknown
NO_INVITATION = ENGLISH.not_invited
SESSION_ENDED = ENGLISH.session_ended

#: What proxies add to a request.
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")


_connections = Connections()


@dataclass(frozen=True)
class Visitor:
    """Who opened the page. A labeller brings a `labeller`, a refused visitor a `refusal`."""

    role: Role
    name: str = ""
    labeller: Labeller | None = None
    refusal: str = ""


def visitor() -> Visitor:
    """Who opened this page. Whether to answer at all, `app.gate` has decided before.

    Local, an invitation in the address makes a labeller, or nobody when it is unknown, expired or
    revoked. It stays with the session: a labeller whose page drops it from the address stays one.
    Whoever brings none is the researcher at this computer.

    Served, the session's cookie says who it is, as long as that holds.
    """
    if served() is not None:
        return _signed_in(st.context.cookies.get(COOKIE, ""))
    token = st.query_params.get(INVITATION, st.session_state.get(INVITATION))
    if token is None:
        return Visitor(Role.RESEARCHER, getpass.getuser())
    st.session_state[INVITATION] = token
    return _invited(token)


def from_this_computer(client: tuple[str, int] | None, headers: Mapping[str, str]) -> bool:
    """Whether a browser on this computer asks, and by a loopback name.

    The other end has to be this computer, and no proxy may have stood between. Host keeps out
    names that somebody has pointed at 127.0.0.1 (DNS rebinding), Origin other sites that a browser
    here has open; it is missing only where a page is opened.
    """
    try:
        near = client is not None and ip_address(client[0]).is_loopback
        host = urlsplit(f"//{headers.get('Host', '')}")
        origin = urlsplit(headers.get("Origin", f"http://{host.netloc}"))
        named = host.hostname in LOOPBACK and origin.netloc.lower() == host.netloc.lower()
    except ValueError:  # no IP address; brackets without an end
        return False
    return near and named and not any(name in headers for name in FORWARDED)


def _signed_in(cookie: str) -> Visitor:
    session = opened(current_home(), cookie)
    if session is None or not holds(current_home(), database(), session):
        log.warning("Refused a page: its session has ended, or never was")
        return Visitor(Role.REFUSED, refusal=SESSION_ENDED)
    if session.role is Role.RESEARCHER:
        return Visitor(Role.RESEARCHER, session.who)
    labeller = invited_labeller(database(), int(session.who))
    if labeller is None:
        return Visitor(Role.REFUSED, refusal=UNKNOWN_INVITATION)
    return Visitor(Role.LABELLER, labeller.name, labeller)


def _invited(token: str) -> Visitor:
    labeller = labeller_of(database(), token)
    if labeller is not None:
        return Visitor(Role.LABELLER, labeller.name, labeller)
    # A part of the hash finds a revoked invitation in the database; the token itself is a secret.
    digest = hashlib.sha256(token.encode()).hexdigest()
    log.warning("Refused an unknown or revoked invitation, hash %s…", digest[:12])
    return Visitor(Role.REFUSED, refusal=UNKNOWN_INVITATION)


def current_home() -> Home:
    """The home folder of this process: PLAINVIEW_HOME, or var/ in the checkout."""
    return home()


def database() -> Database:
    """This thread's connection, for reading and for whatever may be done again."""
    return _connections.get(current_home(), durable=False)


def durable_database() -> Database:
    """This thread's connection for judgements: on disk before the call that wrote it returns."""
    return _connections.get(current_home(), durable=True)
