"""The generators and classifiers that speed and memory are measured with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models import resnet50

from engine.catalogue import catalogue, load_classifier, load_generator
from engine.classifiers.folded import folded
from engine.classifiers.interface import Classifier
from engine.experiment import Trial, progression
from engine.generators.biggan import BigGanDeep
from engine.generators.biggan_points import configuration, presets
from engine.generators.interface import Generator
from engine.search.perturbed_pass import PerturbedPass
from tests.engine.generators.biggan_models import random_biggan

BUNDLED = Path(__file__).parents[1] / "data" / "bundled"


@dataclass(frozen=True)
class Pair:
    """A generator and a classifier: as the engine runs them, and as their packages do.

    `subsets` name the points that are perturbed; `trials` gives so many, most of which the
    classifier gets right.
    """

    generator: Generator
    classifier: nn.Module
    plain_generator: Generator
    plain_classifier: nn.Module
    scales: dict[str, Tensor]
    subsets: Mapping[str, tuple[str, ...]]
    trials: Callable[[int], list[Trial]]

    def weights(self, subset: str) -> list[float]:
        """One weight a point: 1 where it is perturbed."""
        return [float(point.name in self.subsets[subset]) for point in self.generator.points]


def mnist(device: str = "cpu") -> Pair:
    """The shipped generator and classifier."""
    entries = catalogue()
    generator = load_generator(entries.generator("mnist-conv"), [BUNDLED], device)
    classifier = load_classifier(entries.classifier("mnist-standard"), [BUNDLED], device).module
    presets = generator.entry.presets
    subsets = {
        "all": presets["all"],
        "first": presets["first"],
        "middle": ("conv-1", "conv-2", "conv-3"),
        "last": presets["last"],
    }
    return Pair(
        generator.module,
        classifier,
        generator.module,
        classifier,
        generator.scales,
        subsets,
        lambda count: list(islice(progression(0, 10**6, 10), count)),
    )


def biggan(resolution: int, device: str = "cpu") -> Pair:
    """BigGAN-deep and ResNet50: real architectures, random weights, which cost the same; σ = 1."""
    config = configuration(resolution)
    plain = random_biggan(config)
    fast = BigGanDeep(config)
    fast.load_state_dict(plain.state_dict())
    fast.prepare(1.0)
    torch.manual_seed(0)
    network = resnet50(weights=None).eval().requires_grad_(False)
    classifier = Classifier(
        network, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), size=224
    )
    prepared = deepcopy(classifier)  # as the catalogue prepares it
    prepared.network = folded(prepared.network, 224)
    prepared = prepared.to(device, memory_format=torch.channels_last)
    fast = fast.to(device)
    scales = {point.name: torch.ones(point.shape) for point in fast.points}
    return Pair(
        fast,
        prepared,
        plain.to(device),
        classifier.to(device),
        scales,
        presets(resolution),
        partial(_that_are_right, fast, prepared, scales, device),
    )


@torch.no_grad()
def _that_are_right(
    generator: Generator,
    classifier: nn.Module,
    scales: dict[str, Tensor],
    device: str,
    count: int,
) -> list[Trial]:
    """Trials whose source the classifier gives its label; random weights say one of a few."""
    perturbed = PerturbedPass(generator, scales, [1.0] * len(generator.points), device=device)
    trials: list[Trial] = []
    label, seed = 0, 0
    while len(trials) < count:
        z = generator.latent(seed).unsqueeze(0).to(device)
        images = perturbed.suffix(*perturbed.prefix(z, torch.tensor([label], device=device)))
        said = int(classifier(images).argmax())
        if said == label:
            trials.append(Trial(len(trials), label, (label + 1) % 1000, seed))
            seed += 1
        else:
            label, seed = said, seed + 1
    return trials
