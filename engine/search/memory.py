"""How many trials fit: counted from what the pass of one keeps, not guessed from a name."""

from __future__ import annotations

import os
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from engine.generators.interface import Generator
from engine.search.perturbed_pass import PerturbedPass

#: p, its gradient, two moments and the smallest success: tensors of p's size that a row may keep.
STATE_TENSORS = 5
#: Left free for what the count does not see: work space of convolutions, fragmentation, the models.
SHARE_USED = 0.6
#: Beyond this many rows a batch gains nothing on any machine we measured.
MOST_SLOTS = {"cpu": 128, "cuda": 256}


def bytes_per_trial(
    generator: Generator,
    classifier: nn.Module,
    scales: dict[str, Tensor],
    layer_weights: Sequence[float],
    *,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> int:
    """Memory that one more row takes: what its pass saves for the gradient, and its state.

    One forward pass of one row is run, and every tensor that autograd saves is counted once;
    weights are shared by all rows and are not counted.
    """
    perturbed = PerturbedPass(generator, scales, layer_weights, device=device, dtype=dtype)
    weights = {p.untyped_storage().data_ptr() for p in generator.parameters()}
    weights |= {p.untyped_storage().data_ptr() for p in classifier.parameters()}
    saved: dict[int, int] = {}

    def count(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    labels = torch.zeros(1, dtype=torch.int64, device=device)
    with torch.no_grad():
        z = generator.latent(0).to(device, dtype).unsqueeze(0)
        activation, condition = perturbed.prefix(z, labels)
    p = [
        torch.zeros((1, *shape), device=device, dtype=dtype, requires_grad=True)
        for shape in perturbed.shapes
    ]
    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        logits = classifier(perturbed.image(activation, condition, labels, p))
    state = STATE_TENSORS * sum(tensor.numel() * tensor.element_size() for tensor in p)
    kept = activation.numel() * activation.element_size()
    del logits
    return sum(saved.values()) + state + kept


def free_bytes(device: str) -> int:
    """Memory that may still be taken on the device."""
    if device.startswith("cuda"):
        return torch.cuda.mem_get_info(device)[0]
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def fitting_slots(trial_bytes: int, free: int, device: str = "cpu") -> int:
    """The largest power of two of rows that fits, from 1 to the most that gains anything.

    A power of two, so that small differences in free memory do not change the batch's shape and
    with it the last digits of a search.
    """
    rows = max(1, int(SHARE_USED * free) // trial_bytes)
    return min(1 << (rows.bit_length() - 1), MOST_SLOTS[torch.device(device).type])
