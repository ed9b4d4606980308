"""Which devices of this machine compute, by PyTorch's names."""

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
