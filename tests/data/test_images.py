"""Stimuli come back bit for bit, or with one clear sentence."""

from __future__ import annotations

import hashlib
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from data.durable import DiskError, write_durably
from data.home import Home
from data.images import ImageError, image_file, read_image, store_image
from tests.data.rows import pixels

GREY, COLOUR = 0, 2


def chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    """(type, data) of every chunk of a PNG file."""
    found, at = [], 8
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        found.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


@pytest.mark.parametrize(
    ("image", "colour_type"),
    [
        (pixels(0, 28, 28, 1), GREY),
        (pixels(1, 64, 48, 3), COLOUR),
        (pixels(2, 1, 1, 1), GREY),
        (np.zeros((28, 28, 1), np.uint8), GREY),
        (np.repeat(pixels(3, 16, 16, 1), 3, axis=2), COLOUR),
        (pixels(4, 30, 20, 3)[::2, ::-1], COLOUR),
        (pixels(5, 3, 28, 28).transpose(1, 2, 0), COLOUR),
    ],
    ids=["mnist", "colour", "one pixel", "black", "grey as colour", "strided", "channels first"],
)
def test_an_image_comes_back_bit_for_bit(home: Home, image: np.ndarray, colour_type: int) -> None:
    sha256 = store_image(home, image)
    back = read_image(home, sha256)
    assert back.dtype == np.uint8 and back.shape == image.shape
    np.testing.assert_array_equal(back, image)

    content = image_file(home, sha256).read_bytes()
    assert hashlib.sha256(content).hexdigest() == sha256
    header = dict(chunks(content))[b"IHDR"]
    assert struct.unpack(">IIBB", header[:10]) == (*image.shape[1::-1], 8, colour_type)


def test_a_file_lies_under_its_hash_and_says_nothing_but_its_pixels(home: Home) -> None:
    sha256 = store_image(home, pixels(0))
    path = image_file(home, sha256)
    assert path == home.root / "images" / sha256[:2] / f"{sha256}.png"
    assert {name for name, _ in chunks(path.read_bytes())} == {b"IHDR", b"IDAT", b"IEND"}


def test_the_same_image_is_stored_once_even_by_many_at_once(home: Home) -> None:
    names: list[str] = []
    threads = [
        threading.Thread(target=lambda: names.append(store_image(home, pixels(0))))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names) == 8 and len(set(names)) == 1
    files = [path for path in home.images.rglob("*") if path.is_file()]
    assert files == [image_file(home, names[0])]


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def swap_for_another_image(path: Path) -> None:
    place = Home(path.parents[2])
    path.write_bytes(image_file(place, store_image(place, pixels(99))).read_bytes())


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (flip_a_bit, "damaged"),
        (cut_in_half, "damaged"),
        (swap_for_another_image, "damaged"),
        (lambda path: path.write_bytes(b""), "damaged"),
        (Path.unlink, "missing"),
    ],
)
def test_a_lost_image_is_one_sentence_and_storing_it_again_mends_it(
    home: Home, damage: Callable[[Path], object], word: str
) -> None:
    sha256 = store_image(home, pixels(0))
    path = image_file(home, sha256)
    damage(path)
    with pytest.raises(ImageError) as caught:
        read_image(home, sha256)
    message = str(caught.value)
    assert message.startswith(f"The image {path} is {word}") and message.endswith(".")
    assert "restore it from a backup" in message and "\n" not in message

    assert store_image(home, pixels(0)) == sha256
    np.testing.assert_array_equal(read_image(home, sha256), pixels(0))


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((28, 28), np.uint8),
        np.zeros((28, 28, 4), np.uint8),
        np.zeros((28, 28, 1), np.float32),
        np.zeros((1, 28, 28, 1), np.uint8),
    ],
    ids=lambda image: f"{image.dtype} {image.shape}",
)
def test_only_8_bit_images_with_one_or_three_channels_are_stored(
    home: Home, image: np.ndarray
) -> None:
    with pytest.raises(ValueError, match="uint8 array of shape"):
        store_image(home, image)
    assert not any(home.images.iterdir())


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "\n"])
def test_a_name_that_is_no_hash_reaches_no_file(home: Home, name: str) -> None:
    with pytest.raises(ValueError, match="is not a SHA-256"):
        read_image(home, name)


def test_a_file_that_cannot_be_written_is_one_sentence_and_leaves_no_other(
    tmp_path: Path,
) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(DiskError, match=r"taken could not be written \(Is a directory\); free"):
        write_durably(tmp_path / "taken", b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
