"""Runs the notebook for real and keeps its outputs in it: `python -m benchmarks.notebook`.

No Jupyter is needed: cells run one after the other in one namespace, as a kernel would run them. A
chart's output is its picture.
"""

from __future__ import annotations

import argparse
import ast
import base64
import io
import json
import os
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import plotly.graph_objects as go

# Before a cell imports torch: threads that spin are slow where other programs use the cores too.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

NOTEBOOK = Path(__file__).resolve().parent.parent / "docs" / "notebook.ipynb"
WIDTH = 1000


def run(notebook: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, Any]]:
    """Run every code cell; yields it with what it printed and the value of its last line, if any.

    Whatever a cell raises is raised.
    """
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "code":
            printed = io.StringIO()
            with redirect_stdout(printed):
                value = _run_cell("".join(cell["source"]), f"cell {number}", namespace)
            yield cell, printed.getvalue(), value


def _run_cell(source: str, name: str, namespace: dict[str, Any]) -> Any:
    """Run the statements; the value of the last one if it is an expression."""
    tree = ast.parse(source, name)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), namespace)
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), name, "eval"), namespace)
    return None


def outputs(printed: str, value: Any, count: int) -> list[dict[str, Any]]:
    """What a notebook keeps of a cell that was run."""
    kept: list[dict[str, Any]] = []
    if printed:
        kept.append({"output_type": "stream", "name": "stdout", "text": _lines(printed)})
    if value is not None:
        kept.append(
            {
                "output_type": "execute_result",
                "execution_count": count,
                "metadata": {},
                "data": _data(value),
            }
        )
    return kept


def _data(value: Any) -> dict[str, Any]:
    if isinstance(value, go.Figure):
        return {"image/png": _png(value), "text/plain": ["A Plotly figure"]}
    data: dict[str, Any] = {"text/plain": _lines(str(value))}
    if isinstance(value, pd.DataFrame):
        data["text/html"] = _lines(value.to_html(border=0))
    return data


def _png(figure: go.Figure) -> str:
    from benchmarks.pictures import save_pngs

    with TemporaryDirectory() as folder:
        file = Path(folder) / "figure.png"
        save_pngs({file: figure}, width=WIDTH, scale=1)
        return base64.b64encode(file.read_bytes()).decode()


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def main() -> None:
    """Run it in a throwaway home, and write it with its outputs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=NOTEBOOK, help="where to (default: over it)")
    chosen = parser.parse_args()
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    begun = time.monotonic()
    with TemporaryDirectory() as home:
        os.environ["PLAINVIEW_HOME"] = home
        for count, (cell, printed, value) in enumerate(run(notebook), start=1):
            cell["outputs"] = outputs(printed, value, count)
            cell["execution_count"] = count
    text = json.dumps(notebook, indent=1, ensure_ascii=False)
    chosen.to.write_text(text + "\n", encoding="utf-8")
    print(f"{chosen.to}, {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
