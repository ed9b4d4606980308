"""The archive of a replication bundle: a zip that is the same for the same content, read warily.

Nothing is ever extracted by the name that an archive gives it, so that no name leads out of the
home; what comes out is bytes whose SHA-256 was compared with the archive's own list.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

SUMS = "SHA256SUMS"
IMAGE = re.compile(r"images/([0-9a-f]{64})\.png")
#: All names that a bundle may have.
NAMES = re.compile(
    r"bundle\.json|README\.md|experiment\.json|(sources|results|transfers)\.jsonl"
    r"|studies/[0-9a-f]{10}/(study\.json|(items|labellers|judgements|assignments)\.jsonl)"
    r"|maps/[0-9a-f]{10}/(map\.json|scores\.npz)|images/[0-9a-f]{64}\.png"
)
#: Of the same moment on every machine: a zip can hold no earlier one.
MOMENT = (1980, 1, 1, 0, 0, 0)
#: An honest bundle is text that shrinks ten- or twentyfold and pictures that do not shrink.
MOST_EXPANSION, FREE_BYTES = 100, 2**24
MOST_IMAGE_BYTES = 2**26
MOST_FILES = 5_000_000
CHUNK = 2**20


class BundleError(RuntimeError):
    """A bundle cannot be made or taken in; the message is one sentence for the user."""


@contextmanager
def _named(file: Path) -> Iterator[None]:
    """What is wrong with a file, with its name."""
    try:
        yield
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError) as error:
        raise BundleError(f"{file} is no bundle, or was cut off: get it again.") from error
    except NotImplementedError as error:
        raise BundleError(f"{file} is compressed in a way that no bundle is.") from error
    except OSError as error:
        raise BundleError(f"{file} cannot be used: {error.strerror or error}.") from error


def write_archive(file: Path, contents: Iterable[tuple[str, Iterable[bytes]]]) -> str:
    """Write files (name, parts) as a bundle, whole or not at all; returns its checksum.

    That is the SHA-256 of its list of checksums, and so of everything in it. Pictures are stored as
    they are, text is deflated. Raises BundleError.
    """
    with _named(file):
        descriptor, partial = tempfile.mkstemp(
            prefix=f".{file.name}-", suffix=".part", dir=file.parent
        )
        try:
            with os.fdopen(descriptor, "wb") as stream, zipfile.ZipFile(stream, "w") as archive:
                sums = "".join(
                    f"{_add(archive, name, parts)}  {name}\n" for name, parts in contents
                ).encode()
                _add(archive, SUMS, [sums])
            os.chmod(partial, 0o644)
            os.replace(partial, file)
        finally:
            Path(partial).unlink(missing_ok=True)
    return hashlib.sha256(sums).hexdigest()


def _add(archive: zipfile.ZipFile, name: str, parts: Iterable[bytes]) -> str:
    info = zipfile.ZipInfo(name, MOMENT)
    info.create_system, info.external_attr = 3, 0o644 << 16
    is_image = IMAGE.fullmatch(name)
    info.compress_type = zipfile.ZIP_STORED if is_image else zipfile.ZIP_DEFLATED
    digest = hashlib.sha256()
    with archive.open(info, "w", force_zip64=not is_image) as member:
        for part in parts:
            digest.update(part)
            member.write(part)
    return digest.hexdigest()


class Archive:
    """A bundle whose every file was compared with its checksum. `checksum` names the whole."""

    def __init__(self, file: Path) -> None:
        """Open and check it; raises BundleError that names what is wrong. Close it after use."""
        self.file = file
        with _named(file):
            self._zip = zipfile.ZipFile(file)
        try:
            with _named(file):
                self._check()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def names(self) -> list[str]:
        """Its files, in their order, without the list of checksums."""
        return list(self.sums)

    def read(self, name: str) -> bytes:
        """A file's content."""
        with _named(self.file):
            return self._zip.read(name)

    def lines(self, name: str) -> Iterator[bytes]:
        """A text file, line by line."""
        with _named(self.file), self._zip.open(name) as member:
            yield from member

    def _check(self) -> None:
        infos = self._zip.infolist()
        names = [info.filename for info in infos]
        if SUMS not in names:
            raise BundleError(f"{self.file} has no {SUMS}: it is no bundle of Plainview.")
        for name in names:
            if name != SUMS and not NAMES.fullmatch(name):
                raise BundleError(f"{self.file} holds {name!r}, which no bundle does: refused.")
        if len(set(names)) != len(names) or len(names) > MOST_FILES:
            raise BundleError(f"{self.file} holds a file twice, or too many: refused.")
        self._check_sizes(infos)
        text = self._zip.read(SUMS)
        self.checksum = hashlib.sha256(text).hexdigest()
        self.sums = self._listed(text)
        for name in (*(n for n in names if n != SUMS), *self.sums):
            if name not in self.sums:
                raise BundleError(f"{name} in {self.file} is not in its {SUMS}: refused.")
            if name not in names:
                raise BundleError(f"{name} is missing in {self.file}: get the bundle again.")
        for info in infos:
            if info.filename != SUMS and self._digest(info) != self.sums[info.filename]:
                raise BundleError(
                    f"{info.filename} in {self.file} is not what was bundled: its checksum differs."
                    " Get the bundle again."
                )

    def _check_sizes(self, infos: list[zipfile.ZipInfo]) -> None:
        """By what the archive says of itself; reading never goes beyond that."""
        packed = os.path.getsize(self.file)
        for info in infos:
            if info.flag_bits & 1:
                raise BundleError(f"{info.filename} in {self.file} is encrypted: refused.")
            if IMAGE.fullmatch(info.filename) and info.file_size > MOST_IMAGE_BYTES:
                raise BundleError(f"{info.filename} in {self.file} is too large: refused.")
        unpacked = sum(info.file_size for info in infos)
        if unpacked > MOST_EXPANSION * packed + FREE_BYTES:
            raise BundleError(
                f"{self.file} would unpack to {unpacked // 2**20} MiB, over {MOST_EXPANSION} times"
                " its size: refused."
            )

    def _listed(self, text: bytes) -> dict[str, str]:
        sums = {}
        for line in text.decode("utf-8", "replace").splitlines():
            digest, _, name = line.partition("  ")
            if not re.fullmatch("[0-9a-f]{64}", digest) or not NAMES.fullmatch(name):
                raise BundleError(f"The {SUMS} in {self.file} has a line that is none: refused.")
            sums[name] = digest
        return sums

    def _digest(self, info: zipfile.ZipInfo) -> str:
        digest = hashlib.sha256()
        try:
            with self._zip.open(info) as member:
                while part := member.read(CHUNK):
                    digest.update(part)
        except (zipfile.BadZipFile, zlib.error) as error:
            raise BundleError(
                f"{info.filename} in {self.file} is not what was bundled: it is damaged. Get the"
                " bundle again."
            ) from error
        return digest.hexdigest()
