"""The courses of a map's jobs: its scores, and pictures spread over its space for a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

import numpy as np
from sqlite_utils import Database

from app.runner.course import Course, Stopped
from app.runner.live import top_guesses
from app.runner.map_spaces import SpaceBuilder
from app.runner.map_thumbnails import write_thumbnails
from app.runner.map_views import PictureView
from data.home import Home
from data.images import encode
from data.maps import StoredMap, map_content, store_scores, stored_map
from data.results import add_stimulus
from engine.maps import MapDescription, SemanticMap, compute_map, empty_map, from_bytes, to_bytes
from engine.spaces.description import PerturbationPlane
from engine.spaces.space import Space

#: How long a unit of work takes: searches beside it have their turn then. Threads wait for each
#: other at its end: with half as much a map took a fifth longer.
SLICE_SECONDS = 0.4
STORE_SECONDS = 2.0
#: Pictures of a study are made so many at a time.
_PICTURES = 8


def map_course(
    database: Database,
    home: Home,
    builder: SpaceBuilder,
    stored: StoredMap,
    request: Mapping[str, Any],
) -> Course:
    """What a job asks of the map: its scores, or with a `spread` that many pictures."""
    description = MapDescription.from_json(dict(stored.description))
    yield from builder.preparation(description)
    space = builder.space(description.space)
    if "spread" in request:
        yield from _spread(database, home, builder, space, request)
    else:
        yield from _scores(database, home, builder, stored, description, space)


def map_view(
    database: Database, builder: SpaceBuilder, map_id: str, u: Sequence[float]
) -> PictureView | str:
    """The picture at u with what the map's classifiers say, or why there is none."""
    stored = stored_map(database, map_id)
    if stored is None:
        return "This map is gone."
    description = MapDescription.from_json(dict(stored.description))
    classifiers = builder.classifiers(description)
    space = builder.space(description.space)
    top = tuple(top_guesses(space.logits(u, one)[0]) for one in classifiers)
    return PictureView(encode(space.pixels(u)[0]), top)


def _scores(
    database: Database,
    home: Home,
    builder: SpaceBuilder,
    stored: StoredMap,
    description: MapDescription,
    space: Space,
) -> Course:
    """Ask what is not known yet; what is known is stored every few seconds, and at the end."""
    content = map_content(database, stored.id)
    found = from_bytes(content) if content else empty_map(description)
    classifiers = builder.classifiers(description)
    kept = monotonic()
    try:
        while not found.complete:
            deadline = monotonic() + SLICE_SECONDS
            begun = int(found.measured.sum())
            found = compute_map(
                space,
                classifiers,
                description,
                so_far=found,
                # At least a batch, else nothing would ever be done on a slow machine.
                stop=_Deadline(deadline),
            )
            if monotonic() - kept > STORE_SECONDS:
                _store(database, stored.id, found)
                kept = monotonic()
            yield {"points": int(found.measured.sum()), "of": found.measured.size, "begun": begun}
    except (Stopped, GeneratorExit):
        _store(database, stored.id, found)
        raise
    _store(database, stored.id, found)
    yield {"preparing": "Drawing thumbnails"}
    write_thumbnails(home, stored.id, space)


class _Deadline:
    """Says to stop from a moment on, but not the first time that it is asked."""

    def __init__(self, moment: float) -> None:
        self._moment, self._asked = moment, False

    def __call__(self) -> bool:
        asked, self._asked = self._asked, True
        return asked and monotonic() > self._moment


def _store(database: Database, map_id: str, found: SemanticMap) -> None:
    store_scores(
        database,
        map_id,
        to_bytes(found),
        measured=int(found.measured.sum()),
        complete=found.complete,
    )


def _spread(
    database: Database,
    home: Home,
    builder: SpaceBuilder,
    space: Space,
    request: Mapping[str, Any],
) -> Course:
    """Draw pictures at points that fill the space, and the source: stimuli to be judged.

    The last progress has what a study needs: `source`, and (u, stimulus) for each picture.
    """
    if not isinstance(space.description, PerturbationPlane):
        raise ValueError("Only a perturbation plane has a source that people can compare with.")
    points = space.spread(int(request["spread"]), int(request.get("seed", 0)))
    source = add_stimulus(database, home, builder.source_pixels(space.description.source))
    pictures: list[list[object]] = []
    for first in range(0, len(points), _PICTURES):
        part = points[first : first + _PICTURES]
        for u, pixels in zip(part, space.pixels(part), strict=True):
            stimulus = add_stimulus(database, home, np.ascontiguousarray(pixels))
            pictures.append([[float(value) for value in u], stimulus])
        yield {"points": len(pictures), "of": len(points)}
    yield {"points": len(points), "of": len(points), "source": source, "pictures": pictures}
