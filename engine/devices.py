"""Which devices of this machine compute, by PyTorch's names, and how exactly."""

from __future__ import annotations

import torch

from engine.entries import ModelError


def devices() -> list[str]:
    """Such as ["cpu", "cuda", "cuda:1"]; "cuda" is the first GPU."""
    gpus = [f"cuda:{number}" for number in range(1, torch.cuda.device_count())]
    return ["cpu", *(["cuda", *gpus] if torch.cuda.is_available() else [])]


def require_device(name: str) -> None:
    """Raises ModelError where nothing can be computed on it here, with what can be chosen."""
    if (name.removesuffix(":0") if name.startswith("cuda") else name) not in devices():
        raise ModelError(
            f"There is no device “{name}” on this machine; choose from {', '.join(devices())}."
        )


def keep_float32() -> None:
    """Have GPUs compute float32 as float32, as processors do: what is fooled depends on it.

    By default torch's convolutions are in TF32, which keeps 10 bits of 23. Speed is what bfloat16
    gradients are for.
    """
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
