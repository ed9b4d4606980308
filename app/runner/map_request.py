"""What a person asks for when making a map, as its description; and its submission. No torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sqlite_utils import Database

from app.runner.map_classifiers import check_classifiers
from app.runner.menu import GeneratorChoice, Menu
from app.runner.plain_request import require_plain_name
from app.runner.request import RequestError
from app.runner.submit import default_device
from data.found_directions import Found
from data.home import code_version
from data.jobs import INTERACTIVE, submit
from data.maps import create_map, store_scores
from engine.experiment import Schedule
from engine.maps import MapDescription, MappedClassifier, SemanticMap, grid, to_bytes
from engine.spaces.description import (
    FoundDirection,
    GeneratedSource,
    LatentInterpolation,
    PerturbationPlane,
    PrincipalDirections,
    RandomDirection,
    SpaceDescription,
    Transformations,
    Viewpoint,
)

#: Points of one axis, and of a whole map.
FINEST, MOST_POINTS = 400, 40_000
MESHES = ("obj", "ply", "glb")


def generated(
    generator: GeneratorChoice, label: int, seed: int, truncation: float = 1.0
) -> GeneratedSource:
    """An unperturbed picture. Raises RequestError where the generator's weights are not known."""
    if generator.checksum is None:
        raise RequestError(
            f"The weights of {generator.name} are not there yet: fetch them first"
            f" (python -m app models fetch {generator.name})."
        )
    if not 0 <= label < len(generator.labels):
        raise RequestError(f"{generator.name} has labels 0 to {len(generator.labels) - 1}.")
    return GeneratedSource(generator.name, generator.checksum, label, seed, truncation)


def plane(
    first: Found,
    second: Found | None,
    *,
    seed: int = 0,
    lower: tuple[float, float] = (-0.5, -0.5),
    upper: tuple[float, float] = (1.5, 1.5),
) -> PerturbationPlane:
    """The plane of one found perturbation and another of the same source, or random noise.

    Raises RequestError where the two are not of one source and one σ, or made the same picture.
    (Whether they are parallel is seen when the space is built, which has their tensors.)
    """
    if second is not None and (second.source_id, second.scales_checksum) != (
        first.source_id,
        first.scales_checksum,
    ):
        raise RequestError(
            "The two perturbations are of different sources, or were found with different σ: choose"
            " two searches from the same picture."
        )
    if second is not None and second.stimulus == first.stimulus:
        raise RequestError(
            "The two perturbations are equal, and span a line instead of a plane: choose another"
            " second one, or a random orthogonal direction."
        )
    if not all(low < high for low, high in zip(lower, upper, strict=True)):
        raise RequestError("The plane's ranges have to rise: give a lower end below the upper one.")
    source = GeneratedSource(
        first.generator,
        first.generator_checksum,
        first.label,
        first.seed,
        float(first.definition.get("truncation", 1.0)),
        bool(first.definition.get("condition_follows_z", True)),
    )
    return PerturbationPlane(
        source,
        first.scales_checksum,
        _direction(first),
        RandomDirection(seed) if second is None else _direction(second),
        lower,
        upper,
    )


def components(
    generator: GeneratorChoice,
    source: GeneratedSource,
    point: str,
    numbers: Sequence[int],
    reach: float = 3.0,
) -> PrincipalDirections:
    """Principal components of a point's activations, counted from 1. Raises RequestError."""
    names = [one.name for one in generator.points]
    if point not in names:
        raise RequestError(f"There is no point {point}: choose one of {', '.join(names)}.")
    if not 1 <= len(numbers) <= 2 or len(set(numbers)) < len(numbers) or min(numbers) < 1:
        raise RequestError("Choose one component, or two different ones, counted from 1.")
    return PrincipalDirections(source, point, tuple(one - 1 for one in numbers), reach)


def interpolation(first: GeneratedSource, second: GeneratedSource) -> LatentInterpolation:
    """From one picture to another of the same generator."""
    if first == second:
        raise RequestError("The two sources are the same picture: choose another seed or label.")
    return LatentInterpolation(first, second)


def describe(
    menu: Menu,
    space: SpaceDescription,
    *,
    label: int,
    label_name: str,
    classifiers: Sequence[str],
    resolution: int,
    tolerance: float | None = None,
) -> MapDescription:
    """The whole map. Raises RequestError for what cannot be computed."""
    if not classifiers:
        raise RequestError("Choose at least one classifier.")
    mapped = []
    for name in classifiers:
        choice = menu.classifiers.get(name)
        if choice is None:
            raise RequestError(
                f"There is no classifier {name}: choose of {', '.join(menu.classifiers)}."
            )
        if choice.checksum is None:
            raise RequestError(
                f"The weights of {name} are not there yet: fetch them first"
                f" (python -m app models fetch {name})."
            )
        mapped.append(MappedClassifier(name, choice.checksum))
    check_classifiers(menu, space, label, label_name, classifiers)
    axes = len(space.axes)
    if not 2 <= resolution <= FINEST or resolution**axes > MOST_POINTS:
        raise RequestError(
            f"A map has from 2 to {FINEST} points along an axis, and {MOST_POINTS} at most."
        )
    if tolerance is not None and not 0 < tolerance < 1:
        raise RequestError("The tolerance of the refinement is a difference of scores, 0 to 1.")
    if isinstance(space, Transformations) and len(space.changes) not in (1, 2):
        raise RequestError("Choose one transformation, or two different ones.")
    return MapDescription(space, tuple(mapped), label, label_name, (resolution,) * axes, tolerance)


def viewpoint(name: str, sha256: str) -> Viewpoint:
    """Views of a stored mesh file. Raises RequestError for a file of another kind."""
    suffix = name.lower().rpartition(".")[2]
    if suffix not in MESHES:
        raise RequestError(f"{name} is no mesh: {', '.join(MESHES)} files are.")
    return Viewpoint(name, sha256, up="z" if suffix == "ply" else "y")


def submit_map(
    database: Database,
    description: MapDescription,
    *,
    name: str,
    owner: str,
    device: str | None = None,
) -> str:
    """Store an empty map, queue its computation, and return the map's id."""
    map_id = store_map(database, description, name=name, owner=owner)
    resume_map(database, map_id, owner=owner, device=device)
    return map_id


def store_map(database: Database, description: MapDescription, *, name: str, owner: str) -> str:
    """Store an empty map; its id. Raises RequestError for a name that is no plain words."""
    require_plain_name(name, field="The map's name", who=owner)
    return create_map(
        database,
        name=name.strip() or map_name(description),
        description=description.as_json(),
        origin="computed",
        points=int(np.prod(description.resolution)),
        code_version=code_version(),
        created_by=owner,
    )


def resume_map(database: Database, map_id: str, *, owner: str, device: str | None = None) -> str:
    """Queue what a map lacks; the job's id."""
    return submit(
        database,
        kind="map",
        map_id=map_id,
        owner=owner,
        device=device or default_device(),
        priority=INTERACTIVE,
    )


def submit_spread(database: Database, map_id: str, count: int, *, seed: int, owner: str) -> str:
    """Queue pictures that fill a map's space, for a study; the job's id. Raises RequestError."""
    if not 2 <= count <= 1000:
        raise RequestError("A study of a plane has from 2 to 1000 pictures.")
    return submit(
        database,
        kind="map",
        map_id=map_id,
        owner=owner,
        device=default_device(),
        priority=INTERACTIVE,
        request={"spread": count, "seed": seed},
    )


def keep_map(database: Database, found: SemanticMap, *, name: str, origin: str, owner: str) -> str:
    """Store a map that is there already, imported or averaged; its id.

    Raises RequestError for a name that is no plain words.
    """
    require_plain_name(name, field="The map's name", who=owner)
    map_id = create_map(
        database,
        name=name,
        description=found.description.as_json(),
        origin=origin,
        points=found.measured.size,
        code_version=code_version(),
        created_by=owner,
    )
    store_scores(
        database,
        map_id,
        to_bytes(found),
        measured=int(found.measured.sum()),
        complete=found.complete,
    )
    return map_id


def map_name(description: MapDescription) -> str:
    """ "seven 42: perturbation 1 × random direction 2"."""
    space = description.space
    source = getattr(space, "source", None) or getattr(space, "first", None)
    seed = f" {source.seed}" if isinstance(source, GeneratedSource) else ""
    grid(description)  # says what is wrong with the axes before anything is stored
    return f"{description.label_name}{seed}: {' × '.join(axis.name for axis in space.axes)}"


def _direction(found: Found) -> FoundDirection:
    return FoundDirection(
        found.classifier,
        found.classifier_checksum,
        found.target,
        found.search,
        Schedule(**found.schedule),
        found.layer_weights,
        found.magnitude,
        found.perturbation,
        int(found.definition.get("slots", 1)),
        str(found.definition.get("precision", "float32")),
    )
