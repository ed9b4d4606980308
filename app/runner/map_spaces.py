"""From a map's description to the space and classifiers it is of, with the models of a home."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sqlite_utils import Database
from torch import Tensor

from app.runner.chunk import PRECISIONS, in_precision
from app.runner.course import Course
from app.runner.models import Models
from data.home import Home
from data.maps import map_file
from data.tensors import read_perturbation
from engine.catalogue import LoadedGenerator
from engine.classifiers.interface import Classifier
from engine.entries import ModelError
from engine.experiment import Trial
from engine.maps import MapDescription
from engine.search.perturbed_pass import to_8_bit
from engine.search.result import Result
from engine.search.run import SearchRun
from engine.spaces.description import (
    FoundDirection,
    GeneratedSource,
    LatentInterpolation,
    MeanOfMaps,
    PerturbationPlane,
    PhotoSource,
    PrincipalDirections,
    PublishedViews,
    Source,
    SpaceDescription,
    SpaceError,
    Transformations,
    Viewpoint,
)
from engine.spaces.directions import interpolation_space, principal_space
from engine.spaces.plane import plane_space
from engine.spaces.principal import cached_components
from engine.spaces.space import Space
from engine.spaces.transformations import transformation_space

#: A perturbation found again has this magnitude up to float noise, or the map would be another.
_TOLERANCE = 1e-3
#: From so many pixels a side a step of one trial is worth several threads.
LARGE_PICTURE = 64


class SpaceBuilder:
    """Builds spaces with one home's models; built ones are kept, the newest few.

    Raises ModelError where a model is not the one that the description names, or no space can be
    built of what it names.
    """

    KEPT = 4

    def __init__(self, database: Database, home: Home, models: Models) -> None:
        self._database, self._home, self._models = database, home, models
        self._built: dict[SpaceDescription, Space] = {}

    def preparation(self, description: MapDescription) -> Course:
        """Whatever takes long before the first score: weights, σ, searches, components."""
        space = description.space
        names = [one.name for one in description.classifiers]
        source = _source(space)
        if isinstance(source, GeneratedSource):
            yield from self._models.preparation(source.generator, source.truncation, names)
        if space not in self._built:
            yield {"preparing": "Building the space"}

    def space(self, description: SpaceDescription) -> Space:
        """The space, built now unless it was built before."""
        if description not in self._built:
            while len(self._built) >= self.KEPT:
                del self._built[next(iter(self._built))]
            try:
                self._built[description] = self._build(description)
            except SpaceError as error:
                raise ModelError(str(error)) from error
        return self._built[description]

    def classifiers(self, description: MapDescription) -> list[Classifier]:
        """The description's classifiers, in its order."""
        modules = []
        for one in description.classifiers:
            loaded = self._models.classifier(one.name)
            _check(one.name, loaded.checksum, one.checksum)
            modules.append(loaded.module)
        return modules

    def source_pixels(self, source: Source) -> np.ndarray:
        """The source as people see it: uint8 (H, W, C)."""
        image = to_8_bit(self._image(source)[None])[0]
        return (image * 255).round().to(torch.uint8).movedim(0, -1).cpu().numpy()

    def _build(self, description: SpaceDescription) -> Space:
        device = self._models.device
        if isinstance(description, PerturbationPlane):
            return self._plane(description)
        if isinstance(description, PrincipalDirections):
            loaded = self._generator(description.source)
            components = cached_components(
                self._home.caches,
                loaded.module,
                loaded.checksum,
                description.point,
                label=description.label,
                samples=description.samples,
                seed=description.seed,
                device=device,
            )
            return principal_space(description, loaded.module, components, device=device)
        if isinstance(description, LatentInterpolation):
            self._generator(description.second)  # the same one, or refused
            generator = self._generator(description.first).module
            return interpolation_space(description, generator, device=device)
        if isinstance(description, Transformations):
            image = self._image(description.source)
            return transformation_space(description, image, device=device)
        if isinstance(description, Viewpoint):
            return self._views(description)
        assert isinstance(description, PublishedViews | MeanOfMaps)
        raise ModelError("Nothing here can draw the pictures of this map: it came as scores alone.")

    def _plane(self, description: PerturbationPlane) -> Space:
        loaded = self._generator(description.source)
        if loaded.scales is None or loaded.scales_checksum != description.scales_checksum:
            raise ModelError(
                "σ of the generator is not the one that these perturbations were found with: search"
                " again, and make the map of what is found then."
            )
        first = self._perturbation(description.source, description.first, loaded)
        second = None
        if isinstance(description.second, FoundDirection):
            second = self._perturbation(description.source, description.second, loaded)
        return plane_space(
            description, loaded.module, loaded.scales, first, second, device=self._models.device
        )

    def _perturbation(
        self, source: GeneratedSource, found: FoundDirection, loaded: LoadedGenerator
    ) -> dict[str, np.ndarray]:
        """The stored tensors, or those of the same search made again."""
        stored = read_perturbation(self._database, self._home, found.perturbation_id)
        if stored is not None:
            return stored
        classifier = self._models.classifier(found.classifier)
        _check(found.classifier, classifier.checksum, found.classifier_checksum)
        dtype, gradient_dtype = PRECISIONS[found.precision]
        search = SearchRun(
            [Trial(0, source.label, found.target, source.seed)],
            in_precision(loaded.module, dtype),
            in_precision(classifier.module, dtype),
            loaded.scales,
            layer_weights=found.layer_weights,
            schedule=found.schedule,
            search=found.search,
            slots=found.slots,
            keep_perturbations=True,
            device=self._models.device,
            dtype=dtype,
            gradient_dtype=gradient_dtype,
        )
        small = found.slots == 1 and max(loaded.module.image_shape[1:]) < LARGE_PICTURE
        [result] = _to_its_end(search, small=small)
        magnitude = result.magnitude
        if result.perturbation is None or magnitude is None:
            raise ModelError("The perturbation is gone, and the same search finds none any more.")
        if abs(magnitude - found.magnitude) > _TOLERANCE * found.magnitude:
            raise ModelError(
                f"The perturbation is gone, and the same search now finds another one (‖p‖"
                f" {magnitude:.4g} instead of {found.magnitude:.4g}): make a map of that one."
            )
        return result.perturbation

    def _generator(self, source: GeneratedSource) -> LoadedGenerator:
        loaded = self._models.generator(
            source.generator, source.truncation, condition_follows_z=source.condition_follows_z
        )
        _check(source.generator, loaded.checksum, source.checksum)
        return loaded

    @torch.no_grad()
    def _image(self, source: Source) -> Tensor:
        if isinstance(source, PhotoSource):
            from engine.classifiers.photos import Framing

            photo = Image.open(BytesIO(self._file(source.sha256, source.name))).convert("RGB")
            return Framing(source.size, source.size)(photo).float() / 255
        generator, device = self._generator(source).module, self._models.device
        z = generator.latent(source.seed).to(device).unsqueeze(0)
        return generator(z, torch.tensor([source.label], device=device)).clamp(0, 1)[0]

    def _views(self, description: Viewpoint) -> Space:
        from engine.spaces.viewpoint import viewpoint_space

        return viewpoint_space(description, self._mesh(description), device=self._models.device)

    def _mesh(self, description: Viewpoint) -> Path:
        """The mesh as a file of its own name, for readers that go by the ending; checked once."""
        from engine.spaces.mesh_files import check_mesh

        folder = self._home.caches / "meshes" / description.sha256
        file = folder / Path(description.mesh).name
        if not file.exists():
            content = self._file(description.sha256, description.mesh)
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder) as apart:
                partial = Path(apart, file.name)
                partial.write_bytes(content)
                check_mesh(partial)
                partial.rename(file)
        return file

    def _file(self, sha256: str, name: str) -> bytes:
        content = map_file(self._database, sha256)
        if content is None:
            raise ModelError(f"The file {name} of this map is not here: upload it again.")
        return content


def _to_its_end(search: SearchRun, *, small: bool) -> list[Result]:
    """The results of a search of one trial: for small pictures on one thread, as in the worker."""
    threads = torch.get_num_threads()
    results: list[Result] = []
    try:
        if small:
            torch.set_num_threads(1)
        while not search.finished:
            results += search.step()
    finally:
        torch.set_num_threads(threads)
    return results


def _source(description: SpaceDescription) -> Source | None:
    """The source of a space that has one."""
    for name in ("source", "first"):
        with suppress(AttributeError):
            return getattr(description, name)
    return None


def _check(name: str, checksum: str, expected: str) -> None:
    if checksum != expected:
        raise ModelError(
            f"The weights of {name} are not those that this map names: make a new map, or put the"
            " old weights back."
        )
