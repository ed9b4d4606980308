"""What attempts are made on: a served app with two studies, a labeller in each, a researcher."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlite_utils import Database

from app.passphrase import set_passphrase, stored_passphrase
from app.sessions import Session, Way, new_session, sealed
from data.database import open_database
from data.home import Home
from data.labellers import labeller_of
from labelling.studies import invite
from tests.browser.label_session import make_study
from tests.labelling.synthetic_study import at_once
from tests.served.server import Server, running
from tests.served.visits import Visitor

PASSPHRASE = "correct horse battery staple"
TITLES = ("Explore", "Results", "Studies", "Experiments", "Maps")
SQL = "'; DROP TABLE judgements; --"


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

    def judged(self) -> str:
        """What no attempt may change; some of them prepare a labeller or a person themselves."""
        return self.rows(
            *("judgements", "comments", "retractions", "labeller_events", "studies", "study_items")
        )

    def rows(self, *tables: str) -> str:
        return repr([list(self.database[table].rows) for table in tables])


@contextmanager
def served_world(folder: Path) -> Iterator[World]:
    """Its server runs in `folder` until the end."""
    home = Home(folder / "home")
    server = Server(home.root)
    server.environment = {"PLAINVIEW_SERVE_AT": f"http://localhost:{server.port}"}
    set_passphrase(home, PASSPHRASE)
    with running(server), closing(open_database(home)) as database:
        options = at_once()
        study, other = (
            make_study(home.root, trials=3, name=name, options=options) for name in ("one", "other")
        )
        yield World(
            *(server, home, database),
            *(study, invite(database, study, "Ann (synthetic)")),
            *(other, invite(database, other, "Bob (synthetic)")),
        )
