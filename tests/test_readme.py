"""What the README shows runs as it stands there."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
import torch

from app.__main__ import main
from data.home import home
from engine.catalogue import catalogue, load_classifier

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"


def code_blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)


def test_the_example_classifiers_can_be_added(home_folder: Path, tmp_path: Path) -> None:
    by_name, own = code_blocks("python")
    here = home()
    (here.models / "squeezenet.py").write_text(by_name)
    (here.models / "small.py").write_text(own)
    entries = catalogue(here.models)
    assert "torchvision:squeezenet1_1" in entries.fitting_classifiers("biggan-deep-128")
    assert "mnist-small" in entries.fitting_classifiers("mnist-conv")

    network = runpy.run_path(str(here.models / "small.py"))["build"]()
    torch.save(network.state_dict(), tmp_path / "trained.pth")
    arguments = ["models", "import", "mnist-small", str(tmp_path / "trained.pth")]
    assert main([*arguments, "--home", str(here.root)]) == 0
    loaded = load_classifier(entries.classifier("mnist-small"), [here.weights])
    images = torch.rand(2, 1, 28, 28)
    assert torch.allclose(loaded.module(images), network(images), atol=1e-5)


@pytest.mark.parametrize("target", re.findall(r"^make (\w+)", "".join(code_blocks("sh")), re.M))
def test_the_make_targets_exist(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
