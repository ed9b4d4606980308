"""The notebook in docs/ runs, for real, in a home of its own; its committed outputs are its own."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.notebook import NOTEBOOK

ROOT = NOTEBOOK.parent.parent
TRIALS, CONDITIONS = 40, 4


def code(notebook: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The code cells, by their id."""
    return {cell["id"]: cell for cell in notebook["cells"] if cell["cell_type"] == "code"}


def shapes(cell: dict[str, Any]) -> list[tuple[str, ...]]:
    """Which kinds of output a cell has."""
    return [(output["output_type"], *sorted(output.get("data", ()))) for output in cell["outputs"]]


def test_every_cell_runs_and_the_committed_outputs_are_of_this_notebook(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.notebook", "--to", str(tmp_path / "ran.ipynb")],
        cwd=ROOT,
        env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ran.returncode == 0, ran.stderr
    committed = code(json.loads(NOTEBOOK.read_text(encoding="utf-8")))
    cells = code(json.loads((tmp_path / "ran.ipynb").read_text(encoding="utf-8")))
    for name, cell in cells.items():
        assert cell["source"] == committed[name]["source"]
        assert shapes(cell) == shapes(committed[name])
    [counted] = cells["run"]["outputs"]
    counts = ast.literal_eval("".join(counted["data"]["text/plain"]).removeprefix("Counter"))
    assert sum(counts.values()) == TRIALS * CONDITIONS
    [table] = cells["means"]["outputs"]
    assert len(table["data"]["text/plain"]) == 1 + CONDITIONS
    [drawn] = cells["curve"]["outputs"]
    assert len(drawn["data"]["image/png"]) > 10_000
    [sizes] = cells["plan"]["outputs"]
    assert len(sizes["text"]) == CONDITIONS


def test_it_is_a_notebook_of_a_version_that_jupyter_reads() -> None:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in notebook["cells"]:
        keys = {"cell_type", "id", "metadata", "source"}
        if cell["cell_type"] == "code":
            keys |= {"execution_count", "outputs"}
        assert set(cell) == keys
