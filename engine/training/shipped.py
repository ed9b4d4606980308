"""The models that ship: what each is, and the recipe and seed that made it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from torch import nn

from engine.classifiers.mnist import Judge, LeNet5, StandardCnn
from engine.generators.mnist_conv import MnistConv
from engine.training.classifier import (
    AdversarialRecipe,
    ClassifierRecipe,
    train_against_pgd,
    train_on_shifts,
)
from engine.training.digits import Digits
from engine.training.gan import GanRecipe, train_generator

Recipe = GanRecipe | ClassifierRecipe | AdversarialRecipe
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Shipped:
    """A model as `python -m engine.training` makes it; `train` returns it in eval mode."""

    name: str
    title: str
    description: str
    build: Callable[[], nn.Module]
    train: Callable[[Digits, int, Recipe, Progress], nn.Module]
    recipe: Recipe
    seed: int


def with_epochs(recipe: Recipe, epochs: int) -> Recipe:
    """The same recipe for another number of passes."""
    if isinstance(recipe, AdversarialRecipe):
        return replace(recipe, training=replace(recipe.training, epochs=epochs))
    return replace(recipe, epochs=epochs)


GENERATOR = Shipped(
    name="mnist-conv",
    title="conditional convolutional generator of MNIST digits",
    description=(
        "The generator of Dunn et al. 2020, Table 4: a 128-dimensional latent and a one-hot label "
        "through two linear layers and three transposed convolutions to a 28×28 picture. Trained "
        "with tanh and a hinge loss against a projection discriminator (spectral norm; "
        "convolutions of 64, 128 and 256 maps), without the table's dropout; shipped with the "
        "sigmoid that paints the same picture in [0, 1]. The weights are a running average over "
        "the training."
    ),
    build=MnistConv,
    train=train_generator,
    recipe=GanRecipe(),
    seed=0,
)

STANDARD = Shipped(
    name="mnist-standard",
    title="convolutional classifier of MNIST digits",
    description=(
        "Two convolutions and three linear layers, 28×28 pictures in [0, 1] to ten logits. "
        "Trained on digits shifted by up to two pixels, without any defence."
    ),
    build=StandardCnn,
    train=partial(train_on_shifts, StandardCnn),
    recipe=ClassifierRecipe(epochs=6),
    seed=1,
)

ROBUST = Shipped(
    name="mnist-robust",
    title="adversarially trained classifier of MNIST digits",
    description=(
        "LeNet-5 (AdverTorch's), 28×28 pictures in [0, 1] to ten logits. Trained on what PGD "
        "makes of the digits within ℓ∞ 0.3."
    ),
    build=LeNet5,
    train=partial(train_against_pgd, LeNet5),
    recipe=AdversarialRecipe(),
    seed=0,
)

JUDGE = Shipped(
    name="mnist-judge",
    title="independent judge of the generator's labels",
    description=(
        "Three batch-normalised convolutions and one linear layer. "
        "Only ever used to measure whether the generator drew the digit that was asked for: it "
        "has an architecture, a seed and a training run of its own, apart from the classifiers "
        "that searches fool; the data, and mnist-standard's recipe, are the same."
    ),
    build=Judge,
    train=partial(train_on_shifts, Judge),
    recipe=ClassifierRecipe(epochs=6),
    seed=2,
)

# By the name of the command, in the order in which `all` trains them.
SHIPPED = {"judge": JUDGE, "standard": STANDARD, "robust": ROBUST, "generator": GENERATOR}
