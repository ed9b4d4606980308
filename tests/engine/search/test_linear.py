"""The relaxation search where everything is known in closed form: linear models."""

from __future__ import annotations

import math

import pytest
import torch

from benchmarks.plain_loop import plain_search
from engine.experiment import SCHEDULES, Schedule, Trial, progression
from engine.search.margin import UNTARGETED, margins, relaxation_loss
from engine.search.perturbed_pass import PerturbedPass, to_8_bit, to_pixels
from engine.search.run import SearchRun, search
from tests.engine.linear_models import (
    CLASSES,
    COPIES,
    LinearClassifier,
    LinearGenerator,
    smallest_norm,
    unit_scales,
)

SCHEDULE = Schedule(0.05, 0.1, 1.02, 0.02, budget=150)
WEIGHTS = {"all": (1, 1, 1), "z only": (1, 0, 0), "middle, doubled": (0, 2, 0), "late": (0, 0.5, 1)}


@pytest.fixture(scope="module")
def models() -> tuple[LinearGenerator, LinearClassifier, dict[str, torch.Tensor]]:
    generator = LinearGenerator().double().requires_grad_(False)
    classifier = LinearClassifier().double().requires_grad_(False)
    scales = {name: 1.0 + torch.rand_like(s) for name, s in unit_scales(generator).items()}
    return generator, classifier, {name: s.double() for name, s in scales.items()}


def sources(models, trials):
    generator, _, _ = models
    z = torch.stack([generator.latent(trial.seed) for trial in trials]).double()
    return generator(z, torch.tensor([trial.label for trial in trials]))


def right_trials(models, count: int, *, targeted: bool = True) -> list[Trial]:
    """The first trials of the progression whose source gets its label, with labels as predicted."""
    classifier = models[1]
    trials = []
    for trial in progression(3, 20 * count, CLASSES, targeted=targeted):
        predicted = int(classifier(to_8_bit(sources(models, [trial]))).argmax())
        if predicted == trial.label:
            trials.append(trial)
    return trials[:count]


def norms_allowed(models, subset: str, trial: Trial) -> tuple[float, float]:
    """The closed form when rounding helps, and when it hinders, as much as it can."""
    generator, classifier, scales = models
    jacobian = torch.cat(
        [
            weight * generator.jacobian(point.name) * scales[point.name].flatten()
            for point, weight in zip(generator.points, WEIGHTS[subset], strict=True)
        ],
        dim=1,
    )
    logits = classifier(sources(models, [trial]))[0]
    lead = (classifier.weight.unsqueeze(0) - classifier.weight.unsqueeze(1)).abs().sum(-1).max()
    # Where p moves each copy by its own σ, rounding helps by half a level if all copies are rounded
    # one way, and hinders by a twentieth: independent errors average to 0.29/√200 of a level.
    helps, hinders = (0.5, 0.05) if WEIGHTS[subset][-1] else (0.5 / COPIES, 0.5 / COPIES)
    response = classifier.weight @ jacobian
    return (
        smallest_norm(response, logits, trial, slack=helps * float(lead) / 255),
        smallest_norm(response, logits, trial, slack=-hinders * float(lead) / 255),
    )


def found(models, subset: str, targeted: bool, search_name: str, schedule: Schedule):
    """The found results of 12 trials."""
    generator, classifier, scales = models
    results = search(
        right_trials(models, 12, targeted=targeted),
        generator,
        classifier,
        scales,
        layer_weights=WEIGHTS[subset],
        schedule=schedule,
        search=search_name,
        slots=5,
        dtype=torch.float64,
    )
    return [result for result in results if result.outcome == "found"]


@pytest.mark.parametrize("subset", WEIGHTS)
@pytest.mark.parametrize("targeted", [True, False])
def test_the_relaxations_magnitude_is_never_below_the_closed_form_minimum(
    models, subset, targeted
) -> None:
    """It is an upper bound, here within a few steps of the schedule."""
    results = found(models, subset, targeted, "relaxation", SCHEDULE)
    assert len(results) >= 10
    for result in results:
        least, most = norms_allowed(models, subset, result.trial)
        assert least <= result.magnitude <= 3 * most + 0.5


@pytest.mark.parametrize("subset", WEIGHTS)
@pytest.mark.parametrize("targeted", [True, False])
def test_the_minimum_norm_search_is_within_a_hundredth_of_the_closed_form(
    models, subset, targeted
) -> None:
    results = found(models, subset, targeted, "minimum-norm", SCHEDULES["minimum-norm"])
    assert len(results) == 12
    for result in results:
        least, most = norms_allowed(models, subset, result.trial)
        assert least <= result.magnitude <= 1.01 * most


def test_the_first_step_is_adams_by_hand(models) -> None:
    """Adam's first step is −lr·g/(|g| + ε) whatever the moments, before the projection."""
    generator, classifier, scales = models
    trial = right_trials(models, 1)[0]
    wide = Schedule(0.05, 1e6, 1.0, 0.0, budget=2)
    run = SearchRun(
        [trial],
        generator,
        classifier,
        scales,
        layer_weights=(1, 1, 0),
        schedule=wide,
        slots=1,
        dtype=torch.float64,
    )
    run.step()
    perturbed = PerturbedPass(generator, scales, (1, 1, 0), dtype=torch.float64)
    z = generator.latent(trial.seed).double().unsqueeze(0)
    labels, targets = torch.tensor([trial.label]), torch.tensor([trial.target])
    p = [torch.zeros(1, *shape, dtype=torch.float64, requires_grad=True) for shape in ((12,), (8,))]
    image = perturbed.image(z, generator.condition(z, labels), labels, p)
    loss = relaxation_loss(margins(classifier(image), labels, targets), targets)
    gradients = torch.autograd.grad(loss.sum(), p)
    by_hand = [-0.05 * g / (g.abs() + 1e-8) for g in gradients]
    # The next step tests the p that the first one made.
    run.step()
    tested = run.snapshot()
    expected = perturbed.image(z, generator.condition(z, labels), labels, by_hand)
    assert (tested.image == to_pixels(expected)[0].numpy()).all()
    norms = [float(p.norm()) for p in by_hand]
    assert tested.magnitudes == pytest.approx((*norms, 0.0), rel=1e-12)
    assert tested.magnitude == pytest.approx(math.hypot(*norms), rel=1e-12)


@pytest.mark.parametrize("subset", WEIGHTS)
def test_the_batched_search_is_the_plain_loop(models, subset) -> None:
    """Outcome, steps and magnitude equal those of torch's Adam run one trial at a time."""
    generator, classifier, scales = models
    trials = right_trials(models, 9)
    settings = {"layer_weights": WEIGHTS[subset], "schedule": SCHEDULE, "dtype": torch.float64}
    batched = search(trials, generator, classifier, scales, slots=4, **settings)
    for result in sorted(batched, key=lambda result: result.trial.index):
        plain = plain_search(result.trial, generator, classifier, scales, **settings)
        assert (result.outcome, result.steps) == (plain.outcome, plain.steps)
        if result.outcome == "found":
            assert result.magnitude == pytest.approx(plain.magnitude, rel=1e-9)


LOGITS = [[2.0, 5.0, 3.0], [5.0, 5.0, 1.0], [0.0, 1.0, 4.0]]


@pytest.mark.parametrize(
    ("logits", "label", "target", "margin", "loss"),
    [
        (LOGITS[0], 1, 2, -2.0, 2.0),
        (LOGITS[0], 1, UNTARGETED, -2.0, 2.0),
        (LOGITS[1], 1, 0, 0.0, 0.0),
        (LOGITS[2], 1, 2, 3.0, 0.0),
        (LOGITS[2], 1, UNTARGETED, 3.0, -3.0),
    ],
)
def test_margin_and_loss(logits, label, target, margin, loss) -> None:
    """ℓ = max_j f_j − f_t is 0 once fooled; untargeted goes on below 0."""
    targets = torch.tensor([target])
    measured = margins(torch.tensor([logits]), torch.tensor([label]), targets)
    assert measured.item() == margin
    assert relaxation_loss(measured, targets).item() == loss
