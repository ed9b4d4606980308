"""Training the MNIST classifiers: on shifted digits, or adversarially (Madry et al. 2018)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import OneCycleLR

from engine.training.average import follow
from engine.training.digits import Digits
from engine.training.pgd import Attack, pgd

Progress = Callable[[int, int, str], None]
# A batch as the classifier is shown it, from (classifier, images, labels, share of training done).
Show = Callable[[nn.Module, Tensor, Tensor, float], Tensor]


@dataclass(frozen=True)
class ClassifierRecipe:
    """Adam under a one-cycle learning rate (Smith & Topin 2019) with its peak at `peak`."""

    epochs: int = 10
    batch: int = 128
    learning_rate: float = 2e-3
    peak: float = 0.3
    average: float = 0.998  # decay a batch of the weight average that is kept


COARSE = Attack("linf", radius=0.3, step=0.08, steps=7)
FINE = Attack("linf", radius=0.3, step=0.05, steps=12)


@dataclass(frozen=True)
class AdversarialRecipe:
    """The attack trained against; it ramps up first and takes finer steps at the end.

    From random weights the full radius at once teaches nothing: the loss stays at log 10.
    """

    training: ClassifierRecipe = ClassifierRecipe(epochs=14)
    attack: Attack = COARSE
    ramp: float = 0.15  # share of training over which the radius grows from 0
    fine: float = 0.6  # share of training after which the attack below is used
    fine_attack: Attack = FINE

    def attack_at(self, share: float) -> Attack:
        """The attack when `share` of the training is done, 0 to 1."""
        if share >= self.fine:
            return self.fine_attack
        scale = min(1.0, share / self.ramp)
        return replace(
            self.attack, radius=self.attack.radius * scale, step=self.attack.step * scale
        )


def train_on_shifts(
    classifier: Callable[[], nn.Module],
    digits: Digits,
    seed: int,
    recipe: ClassifierRecipe,
    on_progress: Progress = lambda done, total, note: None,
) -> nn.Module:
    """A classifier in eval mode trained on digits shifted at random by up to 2 pixels."""
    draws = torch.Generator().manual_seed(seed)

    def show(_: nn.Module, images: Tensor, labels: Tensor, share: float) -> Tensor:
        return shift(images, 2, draws)

    return _train(classifier, digits, seed, recipe, draws, show, on_progress)


def train_against_pgd(
    classifier: Callable[[], nn.Module],
    digits: Digits,
    seed: int,
    recipe: AdversarialRecipe,
    on_progress: Progress = lambda done, total, note: None,
) -> nn.Module:
    """A classifier in eval mode trained on the digits that PGD makes of the training digits."""
    draws = torch.Generator().manual_seed(seed)

    def show(model: nn.Module, images: Tensor, labels: Tensor, share: float) -> Tensor:
        # Only the gradient's direction counts here, and bfloat16 gives that in half the time.
        with torch.autocast("cpu", torch.bfloat16):
            return pgd(model, images, labels, recipe.attack_at(share), draws)

    return _train(classifier, digits, seed, recipe.training, draws, show, on_progress)


def shift(images: Tensor, most: int, draws: torch.Generator) -> Tensor:
    """Each image moved by its own whole number of pixels, -most to most, each way; zeros enter."""
    count, _, height, width = images.shape
    padded = functional.pad(images, (most, most, most, most))
    down, right = torch.randint(2 * most + 1, (2, count, 1), generator=draws)
    rows = (down + torch.arange(height)).view(count, 1, height, 1)
    columns = (right + torch.arange(width)).view(count, 1, 1, width)
    return padded[torch.arange(count).view(-1, 1, 1, 1), 0, rows, columns]


def _train(
    build: Callable[[], nn.Module],
    digits: Digits,
    seed: int,
    recipe: ClassifierRecipe,
    draws: torch.Generator,
    show: Show,
    on_progress: Progress,
) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        classifier = build().to(memory_format=torch.channels_last)
    average = deepcopy(classifier)
    optimiser = torch.optim.Adam(classifier.parameters(), recipe.learning_rate)
    total = recipe.epochs * (len(digits) // recipe.batch)
    schedule = OneCycleLR(optimiser, recipe.learning_rate, total_steps=total, pct_start=recipe.peak)
    for done, (images, labels) in enumerate(_passes(digits, recipe, draws)):
        shown = show(classifier, images, labels, done / total)
        logits = classifier(shown)
        loss = functional.cross_entropy(logits, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        follow(average, classifier, recipe.average, done)
        right = (logits.argmax(1) == labels).float().mean().item()
        on_progress(done + 1, total, f"loss {loss.item():.3f} right {right:.0%}")
    return average.to(memory_format=torch.contiguous_format).eval()


def _passes(
    digits: Digits, recipe: ClassifierRecipe, draws: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    for _ in range(recipe.epochs):
        yield from digits.batches(recipe.batch, draws)
