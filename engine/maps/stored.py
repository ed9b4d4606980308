"""A map as bytes, with everything needed to compute it again; and maps that others published."""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np

from engine.maps.semantic_map import UNKNOWN, MapDescription, MappedClassifier, SemanticMap
from engine.spaces.description import PublishedViews

_VERSION = 1
_KEY = re.compile(r"(?P<network>.+)_(?P<shape_class>\d+)_(?P<shape>\d+)")


class MapFileError(ValueError):
    """A file holds no map that can be read; the message is one sentence for the user."""


@contextmanager
def _readable(instead: str) -> Iterator[None]:
    """Says so where NumPy and its zip archives find a file damaged, encrypted or of another kind.

    RuntimeError: of an encrypted archive, and of one that is compressed in some other way.
    """
    try:
        yield
    except MapFileError:
        raise
    except (
        *(OSError, EOFError, KeyError, ValueError, TypeError, AttributeError, RuntimeError),
        *(zipfile.BadZipFile, zlib.error),
    ) as error:
        raise MapFileError(instead) from error


def to_bytes(found: SemanticMap) -> bytes:
    """A NumPy archive: the arrays, and the description as JSON."""
    buffer = BytesIO()
    np.savez_compressed(
        buffer,
        version=np.array(_VERSION),
        description=np.array(json.dumps(found.description.as_json())),
        scores=found.scores,
        predicted=found.predicted,
        measured=found.measured,
        **{f"coordinates_{n}": axis for n, axis in enumerate(found.coordinates)},
    )
    return buffer.getvalue()


def from_bytes(content: bytes) -> SemanticMap:
    """The map of `to_bytes`. Raises MapFileError; nothing in the file is ever run."""
    with (
        _readable("The file holds no semantic map that this app has stored."),
        np.load(BytesIO(content), allow_pickle=False) as stored,
    ):
        if int(stored["version"]) != _VERSION:
            raise MapFileError(
                f"The map is stored in form {int(stored['version'])}, and this version reads"
                f" form {_VERSION}: update the app."
            )
        description = MapDescription.from_json(json.loads(str(stored["description"])))
        shape = stored["measured"].shape
        found = SemanticMap(
            description,
            tuple(stored[f"coordinates_{n}"] for n in range(len(shape))),
            stored["scores"],
            stored["predicted"],
            stored["measured"],
        )
    every = (len(description.classifiers), *(len(axis) for axis in found.coordinates))
    if found.scores.shape != every or found.predicted.shape != every or every[1:] != shape:
        raise MapFileError("The map's arrays do not fit each other: the file is damaged.")
    return found


def published_maps(file: Path, names: dict[str, str] | None = None) -> Iterator[SemanticMap]:
    """Maps published as an archive of (elevation, azimuth) arrays called network_class_object.

    As the paper's authors stored them: every 3° from azimuth 0 and elevation −10. `names` are those
    of the classes, where they are known. Raises MapFileError.
    """
    with (
        _readable(f"{file.name} is not an archive of NumPy arrays."),
        np.load(file, allow_pickle=False) as stored,
    ):
        arrays = {name: stored[name] for name in stored.files}
    for name, values in arrays.items():
        parts = _KEY.fullmatch(name)
        numbers = np.issubdtype(values.dtype, np.number) and not np.iscomplexobj(values)
        if parts is None or not numbers or values.ndim != 2 or min(values.shape) < 2:
            raise MapFileError(
                f"“{name}” in {file.name} is no published map: a 2-D array of numbers called"
                " network_class_object is needed."
            )
        if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
            raise MapFileError(f"“{name}” in {file.name} has scores outside 0 to 1.")
        scores = np.ascontiguousarray(values.T, dtype=np.float32)[None]
        shape_class = parts["shape_class"]
        description = MapDescription(
            space=PublishedViews(file.name, shape_class, parts["shape"]),
            classifiers=(MappedClassifier(parts["network"], ""),),
            label=int(shape_class),
            label_name=(names or {}).get(shape_class, f"class {shape_class}"),
            resolution=scores.shape[1:],
        )
        yield SemanticMap(
            description,
            (3.0 * np.arange(scores.shape[1]), -10 + 3.0 * np.arange(scores.shape[2])),
            scores,
            np.full(scores.shape, UNKNOWN, np.int32),
            np.ones(scores.shape[1:], np.bool_),
        )
