"""The secret key of a home folder, and what is signed with it: invitations and sessions."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import tempfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from sqlite_utils import Database

from data.home import Home, HomeError

KEY_BYTES = 32
SIGNATURE_BYTES = 16


def signing_key(home: Home) -> bytes:
    """The home's key of 32 random bytes, made on first use; only its owner may read the file.

    Raises HomeError when it cannot be made or read, or holds something else.
    """
    file = home.keys / "signing.key"
    try:
        if not file.exists():
            write_secret(file, secrets.token_bytes(KEY_BYTES), replace=False)
        key = file.read_bytes()
    except OSError as error:
        raise HomeError(
            f"The key {file} cannot be read ({error.strerror}): make it readable for the user who"
            " runs Plainview."
        ) from error
    if len(key) != KEY_BYTES:
        raise HomeError(f"The key {file} is damaged: restore it from a backup of the home folder.")
    return key


def key_beside(database: Database) -> bytes:
    """The key of the home that a database lies in; of a database in memory, a key for now."""
    return _key_of(database.execute("PRAGMA database_list").fetchone()[2])


def sign(key: bytes, purpose: str, *texts: str) -> str:
    """HMAC-SHA256 of some texts, its first 128 bits as 22 characters fit for a URL.

    What is signed for one `purpose` is worth nothing for another.
    """
    message = "\0".join([purpose, *texts]).encode()
    digest = hmac.digest(key, message, hashlib.sha256)[:SIGNATURE_BYTES]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def signed_so(key: bytes, signature: str, purpose: str, *texts: str) -> bool:
    """Whether `sign` gives this signature, compared in constant time."""
    return hmac.compare_digest(sign(key, purpose, *texts).encode(), signature.encode())


def write_secret(file: Path, content: bytes, *, replace: bool = True) -> None:
    """Write a file that only its owner may read, whole or not at all.

    Without `replace` a file that is there already stays: of two processes, the first one's.
    """
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if replace:
            os.replace(temporary, file)
            return
        with suppress(FileExistsError):
            os.link(temporary, file)
    finally:
        Path(temporary).unlink(missing_ok=True)


@lru_cache(maxsize=64)
def _key_of(path: str) -> bytes:
    """A home's key does not change while a process runs."""
    return signing_key(Home(Path(path).parent)) if path else secrets.token_bytes(KEY_BYTES)
