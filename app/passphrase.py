"""The researchers' passphrase: only a scrypt hash is kept, and guessing is slow."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
import time
import unicodedata
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass

from app.runner.request import RequestError
from data.home import Home, HomeError
from data.keys import write_secret

FILE = "passphrase.json"
SHORTEST = 12
LONGEST = 1000
#: scrypt's cost: 2¹⁵ blocks of 1 KiB, 32 MiB a guess.
COST, BLOCK, LANES = 2**15, 8, 1
MEMORY = 64 * 2**20

#: Failed guesses that are borne within the time, from one address and from all.
WITHIN_SECONDS = 900.0
FROM_ONE, FROM_ALL = 5, 100


@dataclass(frozen=True)
class Passphrase:
    """What is kept of it. `salt` and `hash` are hexadecimal."""

    salt: str
    hash: str
    cost: int = COST
    block: int = BLOCK
    lanes: int = LANES

    @property
    def version(self) -> str:
        """Differs from that of any other passphrase: sessions name the one that they began with."""
        return hashlib.sha256(f"{self.salt} {self.hash}".encode()).hexdigest()[:16]

    def is_right(self, guess: str) -> bool:
        """Whether this is the passphrase; takes as long for a wrong one."""
        if len(guess) > LONGEST:
            return False
        made = _hash(guess, bytes.fromhex(self.salt), self.cost, self.block, self.lanes)
        return hmac.compare_digest(made, bytes.fromhex(self.hash))


def set_passphrase(home: Home, text: str) -> None:
    """Keep a new passphrase; sessions that began with the old one end.

    Raises RequestError for one that is too short to withstand guessing.
    """
    if not SHORTEST <= len(text) <= LONGEST:
        raise RequestError(
            f"A passphrase has {SHORTEST} to {LONGEST} characters: take four or more random words."
        )
    salt = secrets.token_bytes(16)
    made = Passphrase(salt.hex(), _hash(text, salt, COST, BLOCK, LANES).hex())
    write_secret(home.keys / FILE, json.dumps(asdict(made)).encode())


def remove_passphrase(home: Home) -> bool:
    """Nobody signs in by passphrase any more; False when nobody could."""
    file = home.keys / FILE
    there = file.exists()
    file.unlink(missing_ok=True)
    return there


def stored_passphrase(home: Home) -> Passphrase | None:
    """What is kept of the passphrase; None when there is none. Raises HomeError if damaged."""
    file = home.keys / FILE
    try:
        return Passphrase(**json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, OSError) as error:
        raise HomeError(
            f"{file} is damaged: set a new passphrase with `python -m app passphrase set`."
        ) from error


class Guesses:
    """Counts failed guesses: after five from one address, that address waits up to 15 minutes.

    So does everybody after a hundred from anywhere. Kept in this process only.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: deque[tuple[float, str]] = deque()
        self._lock = threading.Lock()

    def wait_seconds(self, address: str) -> float:
        """How long until this address may guess again; 0 for now."""
        with self._lock:
            self._forget()
            everybody = [moment for moment, _ in self._failed]
            its_own = [moment for moment, one in self._failed if one == address]
            waits = [
                moments[-borne] + WITHIN_SECONDS - self._clock()
                for moments, borne in ((everybody, FROM_ALL), (its_own, FROM_ONE))
                if len(moments) >= borne
            ]
        return max(waits, default=0.0)

    def failed(self, address: str) -> None:
        """Note a guess, before it is known to be right: guesses at the same time count, too."""
        with self._lock:
            self._failed.append((self._clock(), address))

    def succeeded(self, address: str) -> None:
        """Forget what this address guessed wrongly."""
        with self._lock:
            self._failed = deque(entry for entry in self._failed if entry[1] != address)

    def _forget(self) -> None:
        while self._failed and self._failed[0][0] <= self._clock() - WITHIN_SECONDS:
            self._failed.popleft()


def _hash(text: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    """The same for the same characters, however a keyboard composes them."""
    told = unicodedata.normalize("NFKC", text).encode()
    return hashlib.scrypt(told, salt=salt, n=cost, r=block, p=lanes, maxmem=MEMORY, dklen=32)
