"""Researchers sign in with an OpenID Connect provider: a real one, on loopback."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from joserfc.jwk import RSAKey

from app.passphrase import SHORTEST, set_passphrase
from data.database import open_database
from data.home import Home
from data.keys import write_secret
from data.people import add_person
from tests.served.provider import CLIENT, SECRET, Provider, running_provider
from tests.served.server import Server, running
from tests.served.visits import Answer, Visitor

ANN = {"email": "Ann@example.org", "email_verified": True}


@dataclass(frozen=True)
class World:
    """An app that is served with a provider; Ann is admitted there."""

    provider: Provider
    home: Home
    nobody: Visitor

    def leave(self) -> tuple[str, str]:
        """Press the button: the provider's address, and the cookie that is kept meanwhile."""
        answer = self.nobody.get("/sign-in/provider")
        assert answer.status == 302
        [(name, value)] = answer.cookies.items()
        return answer.headers["location"], f"{name}={value}"

    def come_back(self, address: str, cookie: str) -> Answer:
        place = urlsplit(address)
        return self.nobody.get(f"{place.path}?{place.query}", Cookie=cookie)

    def log(self) -> str:
        return (self.home.logs / "app.log").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = Home(tmp_path_factory.mktemp("provider") / "home")
    server = Server(home.root)
    server.environment = {"PLAINVIEW_SERVE_AT": f"http://localhost:{server.port}"}
    with running_provider() as provider, closing(open_database(home)) as database:
        settings = f"""
            issuer = "{provider.issuer}/"
            client_id = "{CLIENT}"
            client_secret = "{SECRET}"
        """
        write_secret(home.keys / "provider.toml", settings.encode())
        add_person(database, "ann@example.org")
        with running(server):
            yield World(provider, home, Visitor(server.port))


@pytest.fixture(autouse=True)
def honest(world: World) -> None:
    """Each test begins with a provider that signs Ann in, and lies about nothing."""
    world.provider.claims, world.provider.lies, world.provider.signer = dict(ANN), {}, None


def at_provider(address: str) -> str:
    """Where the provider sends the browser that opens this address."""
    place = urlsplit(address)
    with closing(http.client.HTTPConnection(place.netloc, timeout=30)) as connection:
        connection.request("GET", f"{place.path}?{place.query}")
        return connection.getresponse().headers["Location"]


def test_who_is_admitted_signs_in(world: World) -> None:
    assert "Passphrase" not in world.nobody.get("/sign-in").text
    address, cookie = world.leave()
    assert address.startswith(f"{world.provider.issuer}/authorise?")
    answer = world.come_back(at_provider(address), cookie)
    assert answer.status == 303
    ann = replace(world.nobody, cookie=answer.cookie)
    assert ann.get("/results").status == 200
    with ann.page() as page:
        page.run()
        assert b"ann@example.org" in page.received.replace(b"\\", b"")
    assert SECRET not in world.log()


def changed(address: str, **parts: str) -> str:
    """An address with another query."""
    place = urlsplit(address)
    return place._replace(query=urlencode(dict(parse_qsl(place.query)) | parts)).geturl()


NOW = int(time.time())
LIES: dict[str, dict[str, object]] = {
    "of another provider": {"iss": "https://evil.example"},
    "for another app": {"aud": "another"},
    "of before": {"exp": NOW - 3600, "iat": NOW - 7200},
    "for another visit": {"nonce": "another"},
    "an address that is not verified": {"email_verified": False},
    "an address of unknown standing": {"email_verified": None},
    "verified in so many words": {"email_verified": "false"},
    "somebody else": {"email": "eve@example.org"},
    "somebody with a similar address": {"email": "ann@example.org.evil.example"},
    "SQL": {"email": "' OR 1=1 --@example.org"},
    "a script": {"email": "<script>alert(1)</script>@example.org"},
    "no address": {"email": None},
    "several addresses": {"email": ["ann@example.org"]},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_token_that_is_not_anns_own_for_here_and_now_is_refused(world: World, lie: str) -> None:
    world.provider.lies = LIES[lie]
    log = world.log()
    address, cookie = world.leave()
    refused(world, world.come_back(at_provider(address), cookie), log)


def test_a_token_that_somebody_else_signed_is_refused(world: World) -> None:
    world.provider.signer = RSAKey.generate_key(2048, {"kid": "one"})
    log = world.log()
    address, cookie = world.leave()
    refused(world, world.come_back(at_provider(address), cookie), log)


COMING_BACK: dict[str, Callable[[str, str], tuple[str, str]]] = {
    "with another state": lambda address, cookie: (changed(address, state="another"), cookie),
    "with a made-up code": lambda address, cookie: (changed(address, code="made up"), cookie),
    "in another browser": lambda address, cookie: (address, ""),
    "with an error": lambda address, cookie: (changed(address, error="access_denied"), cookie),
}


@pytest.mark.parametrize("way", COMING_BACK)
def test_who_did_not_leave_does_not_come_back(world: World, way: str) -> None:
    log = world.log()
    address, cookie = world.leave()
    refused(world, world.come_back(*COMING_BACK[way](at_provider(address), cookie)), log)


def test_an_address_works_once(world: World) -> None:
    address, cookie = world.leave()
    back = at_provider(address)
    assert world.come_back(back, cookie).status == 303
    log = world.log()
    refused(world, world.come_back(back, cookie), log)


def refused(world: World, answer: Answer, log: str) -> None:
    assert answer.status == 403
    assert answer.cookie is None
    assert "Traceback" not in answer.text and "<script>" not in answer.text
    written = world.log().removeprefix(log)
    assert "Refused" in written
    assert "Traceback" not in written


def test_a_passphrase_is_no_way_in_where_none_is_set(world: World) -> None:
    answer = world.nobody.post("/sign-in", name="Eve", passphrase="x" * SHORTEST)
    assert answer.status == 403 and answer.cookie is None
    set_passphrase(world.home, "correct horse battery staple")  # takes effect at once
    answer = world.nobody.post("/sign-in", name="Rae", passphrase="correct horse battery staple")
    assert answer.status == 303
