"""A found perturbation seen again: weaker or stronger, or without some of its points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from engine.experiment import Trial
from engine.generators.interface import Generator
from engine.search.perturbed_pass import PerturbedPass, to_8_bit, to_pixels


@dataclass(frozen=True)
class Picture:
    """An 8-bit image, uint8 (H, W, C), and the classifier's logits on it, (classes,)."""

    image: np.ndarray
    logits: np.ndarray


@dataclass(frozen=True)
class PointShare:
    """What one point contributes: the picture without its p_i, and with its p_i alone."""

    point: str
    without: Picture
    alone: Picture


class Replay:
    """One trial's pass, made again with each p_i at a strength of its own.

    perturbation
        That of a found Result: p_i by point name. With every strength 1 the picture is the
        stimulus, up to its tensors having been stored in half precision.
    """

    def __init__(
        self,
        generator: Generator,
        classifier: nn.Module,
        scales: dict[str, Tensor],
        trial: Trial,
        perturbation: dict[str, np.ndarray],
        *,
        layer_weights: Sequence[float],
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self._pass = PerturbedPass(generator, scales, layer_weights, device=device, dtype=dtype)
        self._classifier = classifier
        self._labels = torch.tensor([trial.label], device=device)
        self.points = [generator.points[index].name for index in self._pass.active]
        self._p = [
            torch.as_tensor(perturbation[name]).to(device, dtype).unsqueeze(0)
            for name in self.points
        ]
        z = generator.latent(trial.seed).to(device, dtype).unsqueeze(0)
        with torch.no_grad():
            self._activation, self._condition = self._pass.prefix(z, self._labels)

    @torch.no_grad()
    def picture(self, strengths: Sequence[float]) -> Picture:
        """The picture with s_i·p_i at each perturbed point, and what the classifier says."""
        p = [strength * p for strength, p in zip(strengths, self._p, strict=True)]
        images = self._pass.image(self._activation, self._condition, self._labels, p)
        logits = self._classifier(to_8_bit(images))[0].float().cpu().numpy()
        return Picture(to_pixels(images)[0].cpu().numpy(), logits)

    def at_strength(self, strength: float) -> Picture:
        """The picture at s·p: whether what is fooled once stays fooled is what this is for."""
        return self.picture([strength] * len(self.points))

    def by_point(self) -> Iterator[PointShare]:
        """Leave one point out, then keep it alone: which points does the success need?"""
        for place, point in enumerate(self.points):
            alone = [float(other == place) for other in range(len(self.points))]
            yield PointShare(point, self.picture([1 - one for one in alone]), self.picture(alone))
