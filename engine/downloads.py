"""Large files fetched over the network: resumed, verified, and by one process at a time."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from ssl import SSLError
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

#: Called with the bytes there are so far, and those there will be where the server says so.
Progress = Callable[[int, int | None], None]

CHUNK = 1 << 18  # bytes read at a time
ATTEMPTS = 5  # in a row that bring nothing new, for one address
PAUSE = 0.5  # seconds before another attempt, and between looks at a lock
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class DownloadError(Exception):
    """A file cannot be had; the message is one sentence for the user, with what to do."""


def fetch(
    urls: Sequence[str],
    file: Path,
    *,
    sha256: str | None = None,
    convert: Callable[[Path, Path], None] | None = None,
    on_progress: Progress = lambda done, total: None,
    advice: str = "",
    timeout: float = 30.0,
) -> Path:
    """`file`, downloaded from the first of `urls` that gives it, unless it is there already.

    What came is kept in FILE.partial, so that the next call goes on where this one broke off. Its
    checksum is compared with `sha256` where one is published; else with the one that was recorded
    in FILE's card (the JSON beside it) at first use. Then it becomes `file`, or `convert(partial,
    file)` makes `file` of it, and the card records where it came from and both checksums.

    Of several processes one downloads and the others wait. Raises DownloadError, which ends with
    `advice`; `timeout` is the longest silence of the server, in seconds.
    """
    partial = _beside(file, ".partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with _alone(file, lambda: on_progress(_size(partial), None)):
            if file.exists():
                _verify_stored(file)
                return file
            expected = sha256 or _card(file).get("download_sha256")
            url, found = _first_that_gives_it(urls, partial, expected, on_progress, timeout)
            _settle(partial, file, convert)
            _write_card(file, url, found)
            return file
    except DownloadError as error:
        raise DownloadError(f"{error} {advice}".strip()) from error
    except OSError as error:
        raise DownloadError(f"{_on_disk(error, file)} {advice}".strip()) from error


def checksum(file: Path) -> str:
    """The file's SHA-256, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_card(file: Path, card: dict[str, object]) -> None:
    """Record `card` and the file's checksum in the JSON beside it, complete or not at all."""
    text = json.dumps({"sha256": checksum(file), **card}, indent=2) + "\n"
    new = _beside(file, ".card")
    new.write_text(text, encoding="utf-8")
    new.replace(file.with_suffix(".json"))


def _first_that_gives_it(
    urls: Sequence[str], partial: Path, expected: str | None, on_progress: Progress, timeout: float
) -> tuple[str, str]:
    """Fill `partial` from one of the addresses: which, and the checksum of what came."""
    problems = []
    for url in urls:
        try:
            _download(url, partial, on_progress, timeout)
        except DownloadError as error:
            problems.append(str(error))
            continue
        found = checksum(partial)
        if expected in (None, found):
            return url, found
        _discard(partial)
        problems.append(
            f"{url} gave something else than it should (SHA-256 {found[:12]}… instead of"
            f" {expected[:12]}…), so nothing of it was kept."
        )
    raise DownloadError(" ".join(problems))


def _download(url: str, partial: Path, on_progress: Progress, timeout: float) -> None:
    """Append to `partial` until it is complete, over as many connections as bring anything."""
    idle = 0
    while True:
        before = _size(partial)
        try:
            if _download_once(url, partial, on_progress, timeout):
                return
            problem = "the connection broke off"
        except HTTPError as error:
            if error.code < 500:  # it would answer the same again
                raise DownloadError(f"{url} answered {error.code} {error.reason}.") from error
            problem = f"it answered {error.code} {error.reason}"
        except (URLError, TimeoutError, ConnectionError, SSLError, HTTPException) as error:
            problem = str(getattr(error, "reason", error)) or type(error).__name__
        got = _size(partial)
        idle = 0 if got > before else idle + 1
        if idle == ATTEMPTS:
            host = urlsplit(url).netloc
            raise DownloadError(
                f"{host} stopped after {_megabytes(got)} ({problem}): try again, and the download"
                " goes on from there."
                if got
                else f"Nothing could be fetched from {host} ({problem}): is there a network?"
            )
        time.sleep(PAUSE)


def _download_once(url: str, partial: Path, on_progress: Progress, timeout: float) -> bool:
    """Over one connection; whether the file is complete."""
    have = _size(partial)
    headers = {"User-Agent": "plainview", "Accept-Encoding": "identity"}
    if have and (validator := _validator(partial)):
        # The rest, if it is still the same file there; else the server sends the whole.
        headers |= {"Range": f"bytes={have}-", "If-Range": validator}
    try:
        response = urlopen(Request(url, headers=headers), timeout=timeout)
    except HTTPError as error:
        if error.code != 416:
            raise
        if error.headers.get("Content-Range") == f"bytes */{have}":
            return True
        _discard(partial)  # there is more of it here than there
        return False
    with response:
        resumed = response.status == 206
        have = have if resumed else 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        chunk = response.read(CHUNK)
        if response.headers.get_content_type() == "text/html" or (
            not resumed and chunk.lstrip()[:1] == b"<"
        ):
            raise DownloadError(
                f"{url} answered with a web page instead of weights: it has moved, or this"
                " network wants you to sign in first."
            )
        _refuse_small_disk(partial, have, total)
        _keep_validator(partial, response)
        with partial.open("ab" if resumed else "wb") as stream:
            while chunk:
                stream.write(chunk)
                have += len(chunk)
                on_progress(have, total)
                chunk = response.read(CHUNK)
    return total in (None, have)


def _settle(partial: Path, file: Path, convert: Callable[[Path, Path], None] | None) -> None:
    if convert is None:
        with partial.open("rb") as stream:
            os.fsync(stream.fileno())
        partial.replace(file)
    else:
        try:
            convert(partial, file)
        except ValueError as error:
            _discard(partial)  # or it would be tried again and again
            raise DownloadError(f"What was fetched cannot be used: {error}") from error
    _discard(partial)


def _verify_stored(file: Path) -> None:
    recorded = _card(file).get("sha256")
    if recorded is None:  # stopped before the card was written, or put there by hand
        write_card(file, {})
    elif recorded != checksum(file):
        raise DownloadError(
            f"{file} has changed since it was fetched (its checksum is not the recorded one):"
            " delete it, and it is fetched again."
        )


def _write_card(file: Path, url: str, download_sha256: str) -> None:
    fetched_at = datetime.now(UTC).isoformat(timespec="seconds")
    write_card(file, {"url": url, "download_sha256": download_sha256, "fetched_at": fetched_at})


def _card(file: Path) -> dict[str, str]:
    try:
        return json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise DownloadError(
            f"{file.with_suffix('.json')} is damaged: delete it to accept {file.name} as it is."
        ) from error


@contextmanager
def _alone(file: Path, while_waiting: Callable[[], None]) -> Iterator[None]:
    """Hold FILE.lock; the system lets go of it when a process dies."""
    with _beside(file, ".lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                while_waiting()
                time.sleep(PAUSE)
        yield


def _refuse_small_disk(partial: Path, have: int, total: int | None) -> None:
    if total is not None and shutil.disk_usage(partial.parent).free < total - have:
        raise OSError(errno.ENOSPC, f"{_megabytes(total - have)} more are needed", str(partial))


def _on_disk(error: OSError, file: Path) -> str:
    if error.errno in _FULL:
        return (
            f"The disk of {file.parent} is full ({error.strerror}): free some space and try again,"
            " and the download goes on from where it is."
        )
    return f"{error.filename or file} cannot be written ({error.strerror})."


def _validator(partial: Path) -> str | None:
    try:
        return _beside(partial, ".etag").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _keep_validator(partial: Path, response: HTTPResponse) -> None:
    """What tells this version of the file from others; a weak ETag does not serve for ranges."""
    tag = response.headers.get("ETag", "")
    validator = tag if tag.startswith('"') else response.headers.get("Last-Modified")
    kept = _beside(partial, ".etag")
    if validator:
        kept.write_text(validator, encoding="utf-8")
    else:
        kept.unlink(missing_ok=True)


def _discard(partial: Path) -> None:
    partial.unlink(missing_ok=True)
    _beside(partial, ".etag").unlink(missing_ok=True)


def _beside(file: Path, ending: str) -> Path:
    return file.with_name(file.name + ending)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
