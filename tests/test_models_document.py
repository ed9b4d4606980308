"""docs/models.md: its example runs, and its figures and licences are the catalogue's."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torchvision.models import SqueezeNet1_1_Weights, squeezenet1_1

from app.__main__ import main
from app.runner.models import Models
from data.home import home
from engine.catalogue import BUILT_IN, catalogue, load_classifier
from engine.entries import ClassifierEntry, Origin
from engine.published import import_weights

DOCUMENT = (Path(__file__).parents[1] / "docs" / "models.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.DOTALL | re.MULTILINE)


def test_the_example_entry_is_offered_and_runs(home_folder: Path, tmp_path: Path) -> None:
    """Its weights are torchvision's, of which a stranger has the address; random ones here."""
    [example] = blocks("python")
    here = home()
    (here.models / "squeezenet.py").write_text(example)
    [choice] = [
        one for name, one in Models(here).menu().classifiers.items() if name.startswith("torchv")
    ]
    assert choice.remark == f"The weights of {choice.name} are fetched on first use (5 MB)."
    entry = catalogue(here.models).classifier(choice.name)
    assert entry.origin.urls == (SqueezeNet1_1_Weights.IMAGENET1K_V1.url,)
    torch.save(squeezenet1_1().state_dict(), tmp_path / "random.pth")
    import_weights(replace(entry, origin=Origin()), tmp_path / "random.pth", here.weights)
    loaded = load_classifier(entry, [here.weights])
    assert loaded.module(torch.rand(1, 3, 128, 128)).shape == (1, 1000)


def test_the_command_writes_the_example(home_folder: Path) -> None:
    assert main(["models", "add", "torchvision:squeezenet1_1"]) == 0
    [written] = home().models.glob("*.py")
    assert written.read_text() == blocks("python")[0]


@pytest.mark.parametrize("entry", BUILT_IN, ids=lambda entry: entry.name)
def test_each_model_is_there_with_its_licence_and_its_makers_figure(entry) -> None:
    [row] = [line for line in DOCUMENT.splitlines() if re.match(rf"\|.*`{entry.name}`", line)]
    assert entry.provenance.licence in row
    if isinstance(entry, ClassifierEntry) and entry.provenance.accuracy:
        assert entry.provenance.accuracy in row
