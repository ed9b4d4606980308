"""Checkpoints as other people save them, read without running anything that is in them.

A pickle is a program: it names functions and calls them. `torch.load(weights_only=True)` admits
tensors and plain values only, and reads most files. The `robustness` library saves through dill,
which mentions its own helpers; such a file is read by an unpickler that never imports a name from
the file: a name is on the list of harmless ones below, or it is set aside as an inert object (what
training scripts leave beside the weights), or the file is refused with a sentence that says which.
"""

from __future__ import annotations

import pickle
import warnings
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor


class CheckpointError(ValueError):
    """A checkpoint that cannot or must not be read; the message is one sentence for the user."""


@dataclass(frozen=True)
class Checkpoint:
    """Weights by the bare network's names; the normalisation (one number a channel) if saved."""

    state: dict[str, Tensor]
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None


def read_checkpoint(file: Path) -> Checkpoint:
    """The weights in a safetensors file, a torch checkpoint or one of the robustness library.

    Finds the state dictionary inside a training checkpoint and takes off the wrappers' prefixes.
    Raises CheckpointError: not a checkpoint, damaged, without weights, or naming code.
    """
    try:
        head = file.open("rb").read(9)
    except OSError as error:
        raise CheckpointError(f"{file} cannot be read ({error.strerror}).") from error
    if head[8:] == b"{":
        return Checkpoint(_read_safetensors(file))
    if head[:4] == b"PK\x03\x04" or head[:1] == b"\x80":
        return unwrapped(_state_dictionary(_read_pickle(file), file))
    what = "a web page, not weights" if head.lstrip()[:1] == b"<" else "not a checkpoint"
    raise CheckpointError(f"{file} is {what}: give a .safetensors, .pth or .pt file.")


def unwrapped(state: dict[str, Tensor]) -> Checkpoint:
    """The bare network's weights out of DataParallel, torch.compile and attack wrappers.

    The robustness library saves `module.model.…`, the same weights again as
    `module.attacker.model.…`, and `module.normalizer.new_mean` and `new_std`; others save
    `model.…` beside `normalize.mean` and `normalize.std`.
    """
    for prefix in ("module.", "_orig_mod."):
        if all(key.startswith(prefix) for key in state):
            state = {key.removeprefix(prefix): value for key, value in state.items()}
    beside = [key for key in state if key.startswith(("attacker.", "normalizer.", "normalize."))]
    if not beside:
        return Checkpoint(state)
    inside = {
        key.removeprefix("model."): value
        for key, value in state.items()
        if key.startswith("model.")
    }
    normalisation = {
        key.rpartition(".")[2].removeprefix("new_"): tuple(state[key].flatten().tolist())
        for key in beside
        if key.startswith(("normalizer.", "normalize."))
    }
    return Checkpoint(inside, normalisation.get("mean"), normalisation.get("std"))


def _read_safetensors(file: Path) -> dict[str, Tensor]:
    try:
        return load_file(file)
    except SafetensorError as error:
        raise CheckpointError(f"{file} is damaged: {error}.") from error


def _read_pickle(file: Path) -> Any:
    try:
        with warnings.catch_warnings(action="ignore"):  # of a TorchScript archive, refused below
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        return _read_pickle_by_list(file)
    except Exception as error:  # damaged files raise anything; TorchScript archives RuntimeError
        raise _unreadable(file) from error


def _read_pickle_by_list(file: Path) -> Any:
    """With the unpickler below. torch's own reader of both its formats is kept, as for dill."""
    module = SimpleNamespace(
        __name__=__name__,
        Unpickler=_Reader,
        load=lambda stream, **options: _Reader(stream, **options).load(),
    )
    try:
        return torch.load(file, map_location="cpu", pickle_module=module, weights_only=False)
    except _NamesCodeError as error:
        raise CheckpointError(
            f"{file} is not read, because it asks to run {error}: save the network's state_dict()"
            " alone, or convert the file to safetensors where you trust it."
        ) from error
    except Exception as error:  # a damaged pickle raises anything
        raise _unreadable(file) from error


def _unreadable(file: Path) -> CheckpointError:
    return CheckpointError(
        f"{file} is damaged, or no checkpoint of weights (a TorchScript archive is none)."
    )


class _NamesCodeError(Exception):
    """The file names something that is not on the list."""


class _SetAside:
    """Stands for what a training script left beside the weights: takes anything, does nothing."""

    def __new__(cls, *arguments: object, **options: object) -> _SetAside:
        return super().__new__(cls)

    def __init__(self, *arguments: object, **options: object) -> None: ...

    def __setstate__(self, state: object) -> None: ...

    def __setitem__(self, key: object, value: object) -> None: ...

    def __call__(self, *arguments: object, **options: object) -> _SetAside:
        return self

    def append(self, item: object) -> None:
        """As for a list."""

    def extend(self, items: object) -> None:
        """As for a list."""


#: Harmless to call with any arguments: they build tensors, collections and plain values.
_ADMITTED: dict[tuple[str, str], object] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch", "Size"): torch.Size,
    ("torch", "device"): torch.device,
    ("torch._utils", "_rebuild_tensor"): torch._utils._rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
    ("torch._utils", "_rebuild_parameter"): torch._utils._rebuild_parameter,
    **{
        (module, plain.__name__): plain
        for module in ("builtins", "__builtin__")
        for plain in (bool, int, float, complex, str, list, tuple, dict, set, frozenset)
    },
    **{
        ("torch", name): dtype
        for name, dtype in vars(torch).items()
        if isinstance(dtype, torch.dtype)
    },
}

#: Found beside the weights of published checkpoints: dill's helpers for functions and types, the
#: settings of the robustness library, cox and argparse, scores as numpy scalars (and the bytes in
#: them), and what a script defined itself.
_SET_ASIDE = ("dill", "robustness", "cox", "argparse", "numpy", "_codecs", "__main__")

#: How dill refers to the globals of a function that it saves whole (the second in 2019), and how
#: it fills the function's cells.
_SET_ASIDE_NAMES = ("__dict__", "__main__", "getattr", "setattr")


class _Reader(pickle.Unpickler):
    """An unpickler that imports nothing."""

    def __init__(self, stream: BinaryIO, *, encoding: str = "utf-8") -> None:
        super().__init__(stream, encoding=encoding)

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ADMITTED:
            return _ADMITTED[module, name]
        if module.partition(".")[0] in _SET_ASIDE or name in _SET_ASIDE_NAMES:
            return _SetAside
        raise _NamesCodeError(f"{module}.{name}")


def _state_dictionary(content: Any, file: Path) -> dict[str, Tensor]:
    """The weights among what a training script saved: under one of the usual names, or bare."""
    inside = content if isinstance(content, Mapping) else {}
    named = [inside[name] for name in ("state_dict", "model", "model_state_dict") if name in inside]
    for candidate in [*named, inside]:
        values = candidate.values() if isinstance(candidate, Mapping) else ()
        if values and all(isinstance(value, Tensor) for value in values):
            return candidate  # not a copy: torch hangs the layout's version on it
    raise CheckpointError(
        f"{file} holds no weights: a dictionary of tensors only, bare or as state_dict or model."
    )
