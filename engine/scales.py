"""σ: how much each neuron of a generator varies (Dunn et al. 2020, section 4)."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.generators.interface import Generator

#: σ is measured over so many samples; a preview of it, to search at once, over so few.
FULL, PREVIEW = 10_000, 256
#: A batch's largest activation has about so many scalars (larger ones take longer a sample, for
#: the memory that every step then asks for anew), and a batch not more than so many samples.
_BATCH_SCALARS, _LARGEST_BATCH = 2**23, 500


class Measurement:
    """σ of every point over random latents and labels, a batch at a time.

    Sums are kept in float64 around the first batch's mean, so that neurons far from zero lose no
    digits. A measurement that was saved and goes on ends with the very σ of one that ran through.
    """

    def __init__(
        self,
        generator: Generator,
        samples: int = FULL,
        seed: int = 0,
        *,
        batch: int | None = None,
        device: str = "cpu",
    ) -> None:
        self.samples, self.done = samples, 0
        self._generator, self._device = generator, device
        largest = max(point.size for point in generator.points)
        self._batch = batch or max(1, min(_LARGEST_BATCH, _BATCH_SCALARS // largest))
        self._identity = f"{samples} {seed} {self._batch}"
        self._draws = torch.Generator().manual_seed(seed)
        self._shift: dict[str, Tensor] = {}
        self._total: dict[str, Tensor] = {}
        self._square: dict[str, Tensor] = {}

    @property
    def finished(self) -> bool:
        """Whether all samples have been drawn."""
        return self.done >= self.samples

    @torch.no_grad()
    def step(self) -> None:
        """Draw another batch."""
        generator = self._generator
        size = min(self._batch, self.samples - self.done)
        z = generator.latents(size, self._draws).to(self._device)
        labels = torch.randint(generator.label_count, (size,), generator=self._draws)
        condition = generator.condition(z, labels.to(self._device))
        activation = z
        for index, point in enumerate(generator.points):
            if index:
                activation = generator.stage(index, activation, condition)
            self._add(point.name, activation.float())
        self.done += size

    def _add(self, name: str, values: Tensor) -> None:
        if name not in self._shift:
            self._shift[name] = values.mean(0)
            self._total[name] = torch.zeros_like(self._shift[name], dtype=torch.float64)
            self._square[name] = torch.zeros_like(self._shift[name], dtype=torch.float64)
        centred = values - self._shift[name]
        self._total[name] += centred.sum(0)
        self._square[name] += centred.square_().sum(0)

    def scales(self) -> dict[str, Tensor]:
        """σ as of the samples drawn so far, two or more: float32 of each point's shape."""
        count = self.done
        return {
            name: ((self._square[name] - total.square() / count).clamp(min=0) / (count - 1))
            .sqrt()
            .float()
            .cpu()
            .contiguous()
            for name, total in self._total.items()
        }

    def save(self, file: Path) -> None:
        """Write how far it is to `file`, complete or not at all."""
        sums = {"shift": self._shift, "total": self._total, "square": self._square}
        tensors = {
            f"{kind}/{name}": values.cpu().contiguous()
            for kind, one in sums.items()
            for name, values in one.items()
        }
        tensors["draws"] = self._draws.get_state()
        _write(tensors, file, {"done": str(self.done), "measurement": self._identity})

    def resume(self, file: Path) -> None:
        """Go on from `file`, where it is there and of a measurement like this one."""
        try:
            told = _metadata(file)
            if told.get("measurement") != self._identity:
                return
            tensors = load_file(file, self._device)
        except (FileNotFoundError, SafetensorError):
            return
        self._draws.set_state(tensors.pop("draws").cpu())
        sums = {"shift": self._shift, "total": self._total, "square": self._square}
        for key, values in tensors.items():
            kind, _, name = key.partition("/")
            sums[kind][name] = values
        self.done = int(told["done"])


def measure_scales(
    generator: Generator,
    samples: int = FULL,
    seed: int = 0,
    *,
    batch: int | None = None,
    device: str = "cpu",
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Tensor]:
    """Per-neuron standard deviation of every point over random latents and labels.

    Latents are the generator's own, cut where it is truncated. Returns float32 tensors of each
    point's shape by point name.
    """
    measurement = Measurement(generator, samples, seed, batch=batch, device=device)
    while not measurement.finished:
        measurement.step()
        on_progress(measurement.done, samples)
    return measurement.scales()


def load_scales(file: Path, generator: Generator) -> dict[str, Tensor]:
    """σ from a safetensors file, checked against the generator's points."""
    scales = load_file(file)
    expected = {point.name: point.shape for point in generator.points}
    if {name: tuple(scale.shape) for name, scale in scales.items()} != expected:
        raise ValueError(
            f"The scales in {file} are of another generator. Delete the file: it is measured anew."
        )
    return scales


def save_scales(scales: dict[str, Tensor], file: Path, samples: int = FULL) -> None:
    """Write σ to `file`, complete or not at all, with the number of samples it is measured over."""
    _write(scales, file, {"samples": str(samples)})


def scales_checksum(scales: dict[str, Tensor]) -> str:
    """SHA-256 of σ itself, whatever file it is in: of names and float32 values, sorted by name."""
    digest = hashlib.sha256()
    for name in sorted(scales):
        digest.update(name.encode())
        digest.update(scales[name].float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _write(tensors: dict[str, Tensor], file: Path, metadata: dict[str, str]) -> None:
    partial = file.with_name(f"{file.name}.{os.getpid()}")
    save_file(tensors, partial, metadata)
    partial.rename(file)


def _metadata(file: Path) -> dict[str, str]:
    with safe_open(file, "pt") as opened:
        return opened.metadata() or {}
