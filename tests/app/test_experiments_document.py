"""docs/experiments.md: its example runs, and its figures are those of the command."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from app.runner.experiment_file import CONTROLS, KEYS, read_experiment_file
from benchmarks.experiment_cost import STEPS, Step, table

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
    steps = [Step(**one) for one in json.loads(STEPS.read_text())["steps"]]
    assert table(steps, 200.0) in DOCUMENT


def test_the_cost_is_the_sum_over_subsets_and_a_gpu_three_times_its_floor() -> None:
    steps = [Step("one", "all", 2.0, 4e12, 0), Step("one", "first", 1.0, 0.0, 3 * 10**10)]
    assert [step.gpu_seconds for step in steps] == pytest.approx([0.03, 0.96])
    [*_, row] = table(steps, 1.0).splitlines()
    assert row == "| one | 48 min 00 s | 15 min 50 s | 1 min 59 s |"
