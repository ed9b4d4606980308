"""Local or served: under which address people reach the app, and how they sign in there.

Local is what needs no word: only this computer, without sign-in. `python -m app serve --serve-at
ADDRESS` serves others, behind a proxy that speaks TLS (docs/serving.md); ADDRESS is what stands in
their browsers.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from app.passphrase import Passphrase, stored_passphrase
from app.runner.request import RequestError
from data.home import Home

#: The environment's name for the address, from `python -m app serve` to the server's process.
SERVE_AT = "PLAINVIEW_SERVE_AT"
#: In the home's folder of keys: the OpenID Connect provider.
PROVIDER_FILE = "provider.toml"

#: Names by which a browser on this computer reaches the server.
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Served:
    """The address under which people reach the app; `base` is its path, "" or such as "/study"."""

    origin: str
    base: str

    @property
    def host(self) -> str:
        """What browsers send as Host: the name, with the port where it is not the usual one."""
        return urlsplit(self.origin).netloc

    @property
    def secure(self) -> bool:
        """Whether cookies may be kept to TLS; only loopback does without."""
        return self.origin.startswith("https:")

    def __str__(self) -> str:
        return f"{self.origin}{self.base}/"


@dataclass(frozen=True)
class Provider:
    """An OpenID Connect provider, and this app's account there."""

    issuer: str
    client_id: str
    client_secret: str
    #: For providers that never say whether an address was verified, and where all addresses are.
    addresses_are_verified: bool = False


@dataclass(frozen=True)
class SignIn:
    """The ways in for researchers."""

    passphrase: Passphrase | None
    provider: Provider | None


def served() -> Served | None:
    """How this process serves; None for local. Raises RequestError for an unfit address."""
    address = os.environ.get(SERVE_AT)
    return served_at(address) if address else None


@lru_cache(maxsize=8)
def served_at(address: str) -> Served:
    """The address that browsers will show. Raises RequestError unless it is https, or loopback."""
    try:
        parts = urlsplit(address)
        name, port = parts.hostname, parts.port
    except ValueError:
        name, port, parts = None, None, urlsplit("")
    if parts.scheme not in ("https", "http") or not name or parts.query or parts.fragment:
        raise RequestError(
            f"“{address}” is no address to serve at: give what people will open, such as"
            " https://labels.example.org or https://example.org/labels."
        )
    if parts.scheme == "http" and name not in LOOPBACK:
        raise RequestError(
            f"{address} would send passphrases and links in the clear: serve at https://{name}"
            " with a proxy in front (docs/serving.md says how)."
        )
    shown = f"[{name}]" if ":" in name else name
    usual = {"https": 443, "http": 80}[parts.scheme]
    place = shown if port in (None, usual) else f"{shown}:{port}"
    return Served(f"{parts.scheme}://{place}", parts.path.rstrip("/"))


def ways_in(home: Home) -> SignIn:
    """How researchers sign in here. Raises RequestError for a provider's file that is wrong."""
    return SignIn(stored_passphrase(home), stored_provider(home))


def check_ways_in(home: Home) -> SignIn:
    """`ways_in`, or RequestError when there is none: nobody is served without sign-in."""
    ways = ways_in(home)
    if ways.passphrase is None and ways.provider is None:
        raise RequestError(
            "Nobody can sign in yet, so nothing is served: set a passphrase with `python -m app"
            " passphrase set`, or name an OpenID Connect provider (docs/serving.md says how)."
        )
    return ways


def stored_provider(home: Home) -> Provider | None:
    """The provider that keys/provider.toml names; None without that file."""
    file = home.keys / PROVIDER_FILE
    try:
        return _provider(file, file.stat().st_mtime_ns)
    except FileNotFoundError:
        return None


@lru_cache(maxsize=8)
def _provider(file: Path, changed: int) -> Provider:
    if file.stat().st_mode & 0o077:
        raise RequestError(f"Others may read the secret in {file}: run `chmod 600 {file}`.")
    try:
        written = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RequestError(f"{file} is not TOML: {error}.") from error
    _expect_keys(file, written)
    issuer = urlsplit(written["issuer"])
    if issuer.scheme != "https" and issuer.hostname not in LOOPBACK:
        raise RequestError(f"The issuer in {file} has to begin with https://.")
    return Provider(**written | {"issuer": written["issuer"].rstrip("/")})


def _expect_keys(file: Path, written: Mapping[str, object]) -> None:
    needed = {"issuer": str, "client_id": str, "client_secret": str}
    known = needed | {"addresses_are_verified": bool}
    wrong = [key for key in needed if not written.get(key)]
    wrong += [key for key, value in written.items() if not isinstance(value, known.get(key, ()))]
    if wrong:
        raise RequestError(
            f"{file} has {wrong[0]} wrong or missing: it needs issuer, client_id and client_secret"
            " as texts, and may have addresses_are_verified = true."
        )
