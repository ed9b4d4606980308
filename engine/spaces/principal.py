"""Principal components of a point's activations (GANSpace, Härkönen et al. 2020), and their cache.

Components come from the Gram matrix of the samples: activations have up to millions of scalars,
samples are about a thousand.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.generators.interface import Generator
from engine.spaces.description import SpaceError

#: Scalars of all samples together, at most: a gigabyte.
_SCALARS = 2**28
KEPT = 20


@dataclass(frozen=True, eq=False)
class Components:
    """The largest principal components of a point's activations.

    directions
        (k, *point shape), orthonormal; the sign is such that the largest entry is positive.
    deviations
        (k,), the standard deviation of activations along each.
    explained
        (k,), each one's share of the whole variance.
    samples
        How many activations they come from.
    """

    directions: Tensor
    deviations: Tensor
    explained: Tensor
    samples: int


@torch.no_grad()
def principal_components(
    generator: Generator,
    point: str,
    *,
    label: int | None = None,
    samples: int = 1024,
    seed: int = 0,
    kept: int = KEPT,
    device: str = "cpu",
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Components:
    """Components of the activations of `samples` random latents at the point.

    Labels are random, or all `label`. A point of very many scalars takes fewer samples, so that
    all of them fit into a gigabyte.
    """
    index = point_index(generator, point)
    size = generator.points[index].size
    count = max(2, min(samples, _SCALARS // size))
    batch = max(1, min(500, 2**23 // max(one.size for one in generator.points[: index + 1])))
    draws = torch.Generator().manual_seed(seed)
    rows = torch.empty((count, size))
    for first in range(0, count, batch):
        many = min(batch, count - first)
        z = generator.latents(many, draws).to(device)
        labels = torch.randint(generator.label_count, (many,), generator=draws)
        if label is not None:
            labels.fill_(label)
        condition = generator.condition(z, labels.to(device))
        activation = z
        for stage in range(1, index + 1):
            activation = generator.stage(stage, activation, condition)
        rows[first : first + many] = activation.flatten(1).float().cpu()
        on_progress(first + many, count)
    rows -= rows.mean(0)
    gram = (rows @ rows.T).double()
    values, vectors = torch.linalg.eigh(gram)
    kept = min(kept, count - 1, size)
    values = values.flip(0)[:kept].clamp(min=0)
    lengths = values.sqrt().clamp(min=1e-12)
    directions = (vectors.flip(1)[:, :kept] / lengths).float().T @ rows
    largest = directions.gather(1, directions.abs().argmax(1, keepdim=True))
    directions = directions * torch.where(largest < 0, -1.0, 1.0)
    return Components(
        directions.view(kept, *generator.points[index].shape).contiguous(),
        (values / (count - 1)).sqrt().float(),
        (values / gram.trace().clamp(min=1e-30)).float(),
        count,
    )


def cached_components(
    folder: Path,
    generator: Generator,
    checksum: str,
    point: str,
    *,
    label: int | None = None,
    samples: int = 1024,
    seed: int = 0,
    device: str = "cpu",
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Components:
    """The components from `folder`, or computed and kept there; `checksum` is the generator's."""
    told = f"{checksum} {generator.truncation} {point} {label} {samples} {seed} {KEPT}"
    file = folder / f"{hashlib.sha256(told.encode()).hexdigest()[:32]}.components.safetensors"
    try:
        stored = load_file(file)
        return Components(
            stored["directions"],
            stored["deviations"],
            stored["explained"],
            int(stored["samples"]),
        )
    except (FileNotFoundError, SafetensorError, KeyError):
        pass  # not there yet, or cut short by something that was ended
    found = principal_components(
        generator,
        point,
        label=label,
        samples=samples,
        seed=seed,
        device=device,
        on_progress=on_progress,
    )
    folder.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f"{file.name}.{os.getpid()}")
    tensors = {
        "directions": found.directions,
        "deviations": found.deviations,
        "explained": found.explained,
        "samples": torch.tensor(found.samples),
    }
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, partial)
    partial.rename(file)
    return found


def point_index(generator: Generator, name: str) -> int:
    """Where the point is in the chain. Raises SpaceError naming the valid ones."""
    names = [point.name for point in generator.points]
    if name not in names:
        raise SpaceError(f"There is no point “{name}”; the generator has {', '.join(names)}.")
    return names.index(name)
