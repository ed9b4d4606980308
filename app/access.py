"""Who is here, and what they work on: the visitor, the home folder, a connection a thread."""

from __future__ import annotations

import getpass
import hashlib
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st
from sqlite_utils import Database

from data.database import open_database
from data.home import Home, home
from data.studies import Labeller, labeller_of
from labelling.wording import ENGLISH

log = logging.getLogger(__name__)

#: The query parameter of a labeller's link.
INVITATION = "invitation"
UNKNOWN_INVITATION = ENGLISH.invitation_unknown
NO_INVITATION = ENGLISH.not_invited

#: Names by which a browser on this computer reaches the server.
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class _Connections(threading.local):
    """What this thread has opened, by home folder and durability."""

    def __init__(self) -> None:
        self.opened: dict[tuple[Path, bool], Database] = {}


_connections = _Connections()


class Role(StrEnum):
    """What a visitor may see: the researcher's pages, the Label page only, or nothing."""

    RESEARCHER = "researcher"
    LABELLER = "labeller"
    REFUSED = "refused"


@dataclass(frozen=True)
class Visitor:
    """Who opened the page. A labeller brings a `labeller`, a refused visitor a `refusal`."""

    role: Role
    name: str = ""
    labeller: Labeller | None = None
    refusal: str = ""


def visitor() -> Visitor:
    """Who opened this page.

    An invitation in the address makes a labeller, or nobody when it is unknown, expired or
    revoked. It stays with the session: a labeller whose page drops it from the address stays one.
    Without an invitation, whoever uses this computer is a researcher, and others are refused.
    """
    token = st.query_params.get(INVITATION, st.session_state.get(INVITATION))
    if token is not None:
        st.session_state[INVITATION] = token
        return _invited(token)
    if from_this_computer(st.context.headers):
        return Visitor(Role.RESEARCHER, getpass.getuser())
    log.warning(
        "Refused a visitor without an invitation, by the name %r.", st.context.headers.get("Host")
    )
    return Visitor(Role.REFUSED, refusal=NO_INVITATION)


def from_this_computer(headers: Mapping[str, str]) -> bool:
    """Whether the browser reached the server by a loopback name.

    Origin is looked at too, because some proxies replace the Host that the browser sent. A header
    that is missing speaks for no one: Streamlit's own tests send none, every browser sends both.
    """
    names = (urlsplit(f"//{headers.get('Host', '')}"), urlsplit(headers.get("Origin", "")))
    return all(name.hostname is None or name.hostname in LOOPBACK for name in names)


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
    return _connection(durable=False)


def durable_database() -> Database:
    """This thread's connection for judgements: on disk before the call that wrote it returns."""
    return _connection(durable=True)


def _connection(*, durable: bool) -> Database:
    place = current_home()
    key = (place.root, durable)
    if key not in _connections.opened:
        _connections.opened[key] = open_database(place, durable=durable)
    return _connections.opened[key]
