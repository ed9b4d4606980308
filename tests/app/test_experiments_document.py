"""docs/experiments.md: its example runs, and its figures are those of the command."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from app.runner.experiment_file import CONTROLS, KEYS, read_experiment_file
from benchmarks import experiment_cost
from benchmarks.experiment_cost import GpuStep, Step, measure_full, read_steps, table
from engine.catalogue import catalogue, layer_weights
from engine.classifiers.interface import Classifier

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")
[EXAMPLE] = [part.partition("```")[0] for part in DOCUMENT.split("```toml\n")[1:]]


def test_the_example_has_every_key_and_runs(home_folder: Path, tmp_path: Path) -> None:
    for key in (*KEYS[:-1], *CONTROLS):
        assert f"\n{key} = " in f"\n{EXAMPLE}"
    assert "[controls]" in EXAMPLE
    request, _ = read_experiment_file(EXAMPLE)
    file = tmp_path / "mine.toml"
    file.write_text(EXAMPLE, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "app", "experiment", "run", str(file), "--json", "--threads", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    roles = Counter(json.loads(line)["role"] for line in ran.stdout.splitlines())
    each = len(request.classifiers) * len(request.subsets) * request.trials
    assert roles == {"search": each, "random-direction": each, "repeat": each}


def test_the_table_is_that_of_the_measured_steps() -> None:
    assert table(*read_steps(), 200.0) in DOCUMENT


STEPS = [Step("one", "all", 2.0, 4e12, 0), Step("one", "first", 1.0, 0.0, 3 * 10**10)]


@pytest.mark.parametrize(
    ("gpu", "row"),
    [
        ([], "15 min 50 s, computed | 1 min 59 s, computed |"),
        ([GpuStep("one", "all", 0.5, 64)], "15 min 50 s, computed | 1 min 59 s, computed |"),
        (
            [GpuStep("one", "all", 0.5, 64), GpuStep("one", "first", 0.25, 64)],
            "12 min 00 s, measured | 1 min 30 s, computed |",
        ),
    ],
)
def test_the_cost_is_the_sum_over_subsets_and_says_what_was_measured(
    gpu: list[GpuStep], row: str
) -> None:
    """Without a GPU's own steps: three times the floor of what was counted."""
    assert [step.computed_gpu_seconds for step in STEPS] == pytest.approx([0.03, 0.96])
    [*_, last] = table(STEPS, gpu, 1.0).splitlines()
    assert last == f"| one | 48 min 00 s, measured | {row}"


def test_a_device_is_measured_with_every_slot_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same code as on a GPU, with small models: memory for fewer slots would be told."""
    monkeypatch.setattr(experiment_cost, "TIMED_GPU_STEPS", 3)
    entry = catalogue().generator("mnist-conv")
    generator = entry.build().eval().requires_grad_(False)
    constant = Classifier(Constant(), mean=(0.5,), std=(0.5,), size=28)
    weights = layer_weights(entry, generator.points, "all")
    seconds, slots = measure_full(generator, constant, weights, device="cpu", slots=5)
    assert (seconds > 0, slots) == (True, 5)


class Constant(nn.Module):
    """Says label 3 of every picture, as far as the search can see."""

    def forward(self, images: Tensor) -> Tensor:
        logits = torch.tensor([0.0, 0, 0, 9, 0, 0, 0, 0, 0, 0])
        return logits + 1e-3 * images.flatten(1).mean(1, keepdim=True)
