"""How many trials fit: counted from what the pass of one keeps, not guessed from a name."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import torch
from torch import Tensor

from engine.search.perturbed_pass import Models

#: p, its gradient, two moments and the smallest success: tensors of p's size that a row may keep.
STATE_TENSORS = 5
#: Left free for what the count does not see: work space of convolutions, fragmentation, the models.
SHARE_USED = 0.6
#: A container's limit on memory, under either version of Linux's control groups.
CONTAINER_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
#: How torch and its libraries say that memory has run out, where it is no OutOfMemoryError: on a
#: processor; and on a GPU for kernels, graphs and the libraries' own space.
OUT_OF_MEMORY = (
    "DefaultCPUAllocator",
    "could not create a primitive",
    "could not create a memory",
    "out of memory",
    "STATUS_ALLOC_FAILED",
)
#: Beyond this many rows a batch gains nothing on any machine we measured.
MOST_SLOTS = {"cpu": 128, "cuda": 256}


def bytes_per_trial(models: Models, dtype: torch.dtype = torch.float32) -> int:
    """Memory that one more row takes: what its pass saves for the gradient, and its state.

    One pass of one row is run, and every tensor that autograd saves is counted once; weights are
    shared by all rows and are not counted. `dtype` is p's.
    """
    perturbed, classifier = models.perturbed_pass, models.classifier
    generator = perturbed.generator
    weights = {p.untyped_storage().data_ptr() for p in generator.parameters()}
    weights |= {p.untyped_storage().data_ptr() for p in classifier.parameters()}
    saved: dict[int, int] = {}

    def count(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    labels = torch.zeros(1, dtype=torch.int64, device=perturbed.device)
    with torch.no_grad():
        z = generator.latent(0).to(perturbed.device, perturbed.dtype).unsqueeze(0)
        activation, condition = perturbed.prefix(z, labels)
    p = [
        torch.zeros((1, *shape), device=perturbed.device, dtype=dtype, requires_grad=True)
        for shape in perturbed.shapes
    ]
    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        logits = classifier(perturbed.image(activation, condition, labels, p))
    state = STATE_TENSORS * sum(tensor.numel() * tensor.element_size() for tensor in p)
    kept = activation.numel() * activation.element_size()
    del logits
    return sum(saved.values()) + state + kept


def slots_that_fit(models: Models, dtype: torch.dtype = torch.float32) -> int:
    """As many rows as the device's free memory holds, at least 1."""
    device = models.perturbed_pass.device
    try:
        return fitting_slots(bytes_per_trial(models, dtype), free_bytes(device), device)
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if not ran_out(error):
            raise
        return 1


def free_bytes(device: str) -> int:
    """Memory that may still be taken on the device."""
    if device.startswith("cuda"):
        torch.cuda.empty_cache()  # what an earlier search left with torch would count as taken
        return torch.cuda.mem_get_info(device)[0]
    process = psutil.Process().memory_info()
    free = [psutil.virtual_memory().available]
    own_limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if own_limit != resource.RLIM_INFINITY:
        free.append(own_limit - process.vms)
    free += [limit - process.rss for limit in _container_limits()]
    return max(0, min(free))


def _container_limits() -> Iterator[int]:
    """The memory that this process's container may take, where there is one with a limit."""
    for file in CONTAINER_LIMITS:
        with suppress(OSError, ValueError):  # no such file, or "max"
            yield int(file.read_text())


def ran_out(error: Exception) -> bool:
    """Whether an error means that the device has no memory left."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in OUT_OF_MEMORY)


def fitting_slots(trial_bytes: int, free: int, device: str = "cpu") -> int:
    """The largest power of two of rows that fits, from 1 to the most that gains anything.

    A power of two, so that small differences in free memory do not change the batch's shape and
    with it the last digits of a search.
    """
    rows = max(1, int(SHARE_USED * free) // trial_bytes)
    return min(1 << (rows.bit_length() - 1), MOST_SLOTS[torch.device(device).type])
