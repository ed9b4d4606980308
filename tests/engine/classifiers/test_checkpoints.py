"""Other people's checkpoints: read when they hold weights, refused when they hold a program."""

from __future__ import annotations

import importlib
import io
import os
import pickle
from collections import OrderedDict
from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision.models import resnet18, resnet50

from engine.classifiers.checkpoints import CheckpointError, read_checkpoint
from engine.classifiers.imagenet import MEAN, STD
from tests.engine.published_files import fast_checkpoint, robustness_checkpoint


def same(left: dict[str, Tensor], right: dict[str, Tensor]) -> bool:
    return list(left) == list(right) and all(torch.equal(left[key], right[key]) for key in left)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip format", "format of 2019"])
def test_a_checkpoint_of_the_robustness_library_loads_through_the_list(tmp_path, zipped) -> None:
    dill = pytest.importorskip("dill", reason="dill writes the file that this test reads")
    network = resnet50().eval()
    file = tmp_path / "imagenet_l2_3_0.pt"
    torch.save(
        robustness_checkpoint(network),
        file,
        pickle_module=dill,
        _use_new_zipfile_serialization=zipped,
    )
    with pytest.raises(pickle.UnpicklingError):
        torch.load(file, weights_only=True)
    checkpoint = read_checkpoint(file)
    assert same(checkpoint.state, network.state_dict())
    assert checkpoint.mean == pytest.approx(MEAN)
    assert checkpoint.std == pytest.approx(STD)
    resnet50().load_state_dict(checkpoint.state)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip format", "format of 2019"])
def test_the_fast_checkpoint_loads(tmp_path, zipped) -> None:
    network = resnet50()
    file = tmp_path / "imagenet_model_weights_4px.pth.tar"
    torch.save(fast_checkpoint(network), file, _use_new_zipfile_serialization=zipped)
    checkpoint = read_checkpoint(file)
    assert same(checkpoint.state, network.state_dict())
    assert checkpoint.mean is None


def test_other_usual_forms(tmp_path) -> None:
    network = resnet18(num_classes=7)
    state = network.state_dict()
    torch.save(state, tmp_path / "bare.pth")
    save_file(state, tmp_path / "safe.safetensors")
    torch.save({"model": {f"_orig_mod.{k}": v for k, v in state.items()}}, tmp_path / "compiled.pt")
    normalised = {"normalize.mean": torch.tensor(MEAN), "normalize.std": torch.tensor(STD)}
    normalised |= {f"model.{key}": value for key, value in state.items()}
    torch.save({"state_dict": normalised}, tmp_path / "normalised.ckpt")
    for file in sorted(tmp_path.iterdir()):
        read = read_checkpoint(file)
        assert set(read.state) == set(state), file
        assert all(torch.equal(read.state[key], state[key]) for key in state), file
        assert (read.mean is not None) == (file.name == "normalised.ckpt")


def test_a_networks_own_prefix_is_kept(tmp_path) -> None:
    """`model.` is a wrapper's name only beside a normaliser or an attacker."""
    state = {"model.weight": torch.ones(2), "model.bias": torch.zeros(2)}
    torch.save(state, tmp_path / "own.pth")
    assert same(read_checkpoint(tmp_path / "own.pth").state, state)


class Runs:
    """Pickles as a call of `function`."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call


def nested(mark: Path) -> bytes:
    inner = io.BytesIO()
    torch.save(Runs(os.mkdir, str(mark)), inner)
    return inner.getvalue()


ATTACKS = {
    "os.mkdir": lambda mark: Runs(os.mkdir, str(mark)),
    "builtins.eval": lambda mark: Runs(eval, f"__import__('os').mkdir({str(mark)!r})"),
    "builtins.exec": lambda mark: Runs(exec, f"import os; os.mkdir({str(mark)!r})"),
    "importlib": lambda mark: Runs(importlib.import_module, "this"),
    "torch.load": lambda mark: Runs(torch.storage._load_from_bytes, nested(mark)),
    "torch.hub": lambda mark: Runs(torch.hub.load, str(mark), "model", "local"),
    "a whole network": lambda mark: nn.Linear(2, 2),
}


@pytest.mark.parametrize("zipped", [True, False], ids=["zip format", "format of 2019"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_program_is_refused_by_name_and_never_run(tmp_path, attack, zipped) -> None:
    mark, file = tmp_path / "it ran", tmp_path / "weights.pt"
    content = {"model": resnet18().state_dict(), "extra": ATTACKS[attack](mark)}
    torch.save(content, file, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match=r"asks to run [\w.]+: save the network's state_dict"):
        read_checkpoint(file)
    assert not mark.exists()
    if attack in {"os.mkdir", "builtins.eval", "builtins.exec"}:
        torch.load(file, weights_only=False)  # the attack is a real one
        assert mark.exists()


def test_a_program_hidden_in_dills_functions_is_never_run(tmp_path) -> None:
    dill = pytest.importorskip("dill", reason="dill writes the file that this test reads")
    mark, file = tmp_path / "it ran", tmp_path / "weights.pt"
    module = ModuleType("__main__")  # so that dill writes the function's code, not its name
    exec(f"def run():\n    import os\n    os.mkdir({str(mark)!r})", module.__dict__)
    state = resnet18().state_dict()
    torch.save({"model": state, "extra": Runs(module.run)}, file, pickle_module=dill)
    assert same(read_checkpoint(file).state, state)
    assert not mark.exists()
    torch.load(file, pickle_module=dill, weights_only=False)
    assert mark.exists()


def test_a_function_among_the_weights_is_refused(tmp_path) -> None:
    dill = pytest.importorskip("dill", reason="dill writes the file that this test reads")
    state = OrderedDict(weight=torch.ones(2), bias=lambda: torch.zeros(2))
    torch.save({"model": state}, tmp_path / "weights.pt", pickle_module=dill)
    with pytest.raises(CheckpointError, match="holds no weights"):
        read_checkpoint(tmp_path / "weights.pt")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("page.pt", b"<!DOCTYPE html><title>Sign in</title>", "is a web page, not weights"),
        ("note.pt", b"hello", "is not a checkpoint"),
        ("short.safetensors", b"\x40\x00\x00\x00\x00\x00\x00\x00{", "is damaged"),
        ("cut.pt", b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", "is damaged"),
        ("cut.zip.pt", b"PK\x03\x04 and no more", "is damaged"),
    ],
)
def test_what_is_no_checkpoint_is_said_to_be_none(tmp_path, name, content, message) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=message) as caught:
        read_checkpoint(tmp_path / name)
    assert name in str(caught.value)


@pytest.mark.filterwarnings("ignore:.*is deprecated:FutureWarning")
def test_a_missing_file_and_a_torchscript_archive(tmp_path) -> None:
    with pytest.raises(CheckpointError, match=r"absent\.pt cannot be read"):
        read_checkpoint(tmp_path / "absent.pt")
    torch.jit.trace(nn.Linear(2, 2), torch.ones(1, 2)).save(str(tmp_path / "script.pt"))
    with pytest.raises(CheckpointError, match="TorchScript"):
        read_checkpoint(tmp_path / "script.pt")
