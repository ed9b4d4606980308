"""Devices that are not there are refused in a sentence, not by PyTorch in many."""

from __future__ import annotations

import pytest
import torch

from engine.devices import devices, keep_float32, require_device
from engine.entries import ModelError


@pytest.mark.parametrize(
    ("gpus", "there"),
    [(0, ["cpu"]), (1, ["cpu", "cuda"]), (3, ["cpu", "cuda", "cuda:1", "cuda:2"])],
)
def test_what_is_there_can_be_chosen_and_nothing_else(monkeypatch, gpus, there) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    assert devices() == there
    for name in there + ["cuda:0"] * (gpus > 0):
        require_device(name)
    for name in (f"cuda:{gpus}", "gpu", "cpu:0:0", "", *([] if gpus else ["cuda"])):
        with pytest.raises(ModelError, match=f"choose from {', '.join(there)}"):
            require_device(name)


def test_float32_is_not_left_to_a_gpus_shorter_tf32(mnist_conv) -> None:
    """torch's default for convolutions; to load a model ends it for the process."""
    assert not torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = True
    keep_float32()
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32
