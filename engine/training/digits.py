"""MNIST: reading the original idx files, and batches of them."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

UNSIGNED_BYTE = 0x08


@dataclass(frozen=True)
class Digits:
    """Images (N, 1, 28, 28) as uint8, labels (N,) as int64."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def first(self, count: int) -> Digits:
        """The first `count` of them."""
        return Digits(self.images[:count], self.labels[:count])

    def labelled(self, label: int) -> Digits:
        """Those of one label."""
        chosen = self.labels == label
        return Digits(self.images[chosen], self.labels[chosen])

    def batches(
        self, size: int, generator: torch.Generator | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """One pass: images as float32 in [0, 1], labels.

        With a generator: shuffled by it, and a last incomplete batch is left out (training).
        Without: in order and complete (measuring).
        """
        if generator is None:
            chunks = torch.arange(len(self)).split(size)
        else:
            order = torch.randperm(len(self), generator=generator)
            chunks = order[: len(self) // size * size].split(size)
        for chunk in chunks:
            yield self.images[chunk].float() / 255, self.labels[chunk]


def load(folder: Path) -> tuple[Digits, Digits]:
    """MNIST's 60 000 training and 10 000 test digits.

    `folder` holds the four idx files, plain or gzipped, or has them in torchvision's
    `MNIST/raw`; where they are missing, torchvision downloads them there.
    """
    for place in (folder, folder / "MNIST" / "raw"):
        if _find(place, "train-images-idx3-ubyte"):
            return _load_split(place, "train"), _load_split(place, "t10k")
    from torchvision.datasets import MNIST  # only here: slow to import, needless with files

    MNIST(str(folder), download=True)
    raw = folder / "MNIST" / "raw"
    return _load_split(raw, "train"), _load_split(raw, "t10k")


def read_idx(path: Path) -> Tensor:
    """One idx file of unsigned bytes, plain or gzipped, as a uint8 tensor of its own shape.

    Source: the format's description on Y. LeCun's MNIST page. Two zero bytes, the type, the
    number of dimensions, each dimension as a big-endian 32-bit integer, then the bytes.
    """
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if len(content) < 4 or content[:3] != bytes([0, 0, UNSIGNED_BYTE]):
        raise ValueError(f"{path} is not an idx file of unsigned bytes; download MNIST again.")
    dimensions = content[3]
    start = 4 + 4 * dimensions
    shape = np.frombuffer(content[4:start], dtype=">u4").astype(int).tolist()
    values = np.frombuffer(content, dtype=np.uint8, offset=start)
    if values.size != np.prod(shape):
        raise ValueError(
            f"{path} holds {values.size} bytes where its header promises {np.prod(shape)}; "
            "download MNIST again."
        )
    return torch.from_numpy(values.reshape(shape).copy())


def _find(folder: Path, name: str) -> Path | None:
    paths = (folder / name, folder / f"{name}.gz")
    return next((path for path in paths if path.is_file()), None)


def _load_split(folder: Path, split: str) -> Digits:
    images = _find(folder, f"{split}-images-idx3-ubyte")
    labels = _find(folder, f"{split}-labels-idx1-ubyte")
    if images is None or labels is None:
        raise FileNotFoundError(
            f"{folder} holds only some of MNIST's four files; add the others, "
            "or name an empty folder to download all of them."
        )
    return Digits(read_idx(images).unsqueeze(1), read_idx(labels).long())
