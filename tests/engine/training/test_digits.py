"""Reading MNIST's files."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import pytest
import torch

from engine.training.digits import Digits, load, read_idx

# md5 as torchvision.datasets.MNIST states them.
MD5 = {
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}


def idx(shape: tuple[int, ...], values: bytes, kind: int = 8) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in shape)
    return bytes([0, 0, kind, len(shape)]) + sizes + values


@pytest.mark.parametrize("name", MD5)
def test_the_files_are_the_original_ones(mnist_folder: Path, name: str) -> None:
    assert hashlib.md5((mnist_folder / name).read_bytes()).hexdigest() == MD5[name]


def test_the_digits_are_read_in_their_order(mnist: tuple[Digits, Digits]) -> None:
    train, test = mnist
    assert train.images.shape == (60_000, 1, 28, 28)
    assert test.images.shape == (10_000, 1, 28, 28)
    assert train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    # The first training digit's published bytes: row 5 begins its ink at column 12.
    assert train.images[0, 0, 5, 10:16].tolist() == [0, 0, 3, 18, 18, 18]


def test_a_plain_file_reads_as_its_gzipped_one(tmp_path: Path) -> None:
    content = idx((2, 3), bytes(range(6)))
    (tmp_path / "plain").write_bytes(content)
    (tmp_path / "zipped.gz").write_bytes(gzip.compress(content))
    expected = torch.tensor([[0, 1, 2], [3, 4, 5]], dtype=torch.uint8)
    assert torch.equal(read_idx(tmp_path / "plain"), expected)
    assert torch.equal(read_idx(tmp_path / "zipped.gz"), expected)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an idx file"),
        (b"<html>not found</html>", "not an idx file"),
        (idx((4,), bytes(4), kind=0x0D), "not an idx file"),
        (idx((4,), bytes(3)), "holds 3 bytes where its header promises 4"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_idx(tmp_path / "file")


def test_a_folder_with_some_of_the_files_is_named(tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx((1, 2, 2), bytes(4)))
    with pytest.raises(FileNotFoundError, match="only some of MNIST's four files"):
        load(tmp_path)


def test_torchvisions_layout_is_read(tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for split, value in (("train", 1), ("t10k", 2)):
        (raw / f"{split}-images-idx3-ubyte").write_bytes(idx((1, 2, 2), bytes([value] * 4)))
        (raw / f"{split}-labels-idx1-ubyte").write_bytes(idx((1,), bytes([value])))
    train, test = load(tmp_path)
    assert train.labels.tolist() == [1] and test.labels.tolist() == [2]
    assert test.images.tolist() == [[[[2, 2], [2, 2]]]]


def test_a_shuffled_pass_shows_each_digit_at_most_once() -> None:
    digits = Digits(torch.arange(10, dtype=torch.uint8).view(10, 1, 1, 1), torch.arange(10))
    seen = [
        (images.flatten() * 255).round().long().tolist() == labels.tolist() and labels
        for images, labels in digits.batches(3, torch.Generator().manual_seed(0))
    ]
    labels = torch.cat(seen).tolist()
    assert len(labels) == 9 == len(set(labels))
    assert labels != sorted(labels)


def test_an_ordered_pass_is_complete() -> None:
    digits = Digits(torch.zeros(10, 1, 1, 1, dtype=torch.uint8), torch.arange(10))
    assert torch.cat([labels for _, labels in digits.batches(4)]).tolist() == list(range(10))
