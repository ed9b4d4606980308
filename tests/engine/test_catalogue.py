"""The catalogue: valid names, verified weights, a user's own entries."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.catalogue import (
    DIGITS,
    ModelError,
    catalogue,
    layer_weights,
    load_classifier,
    load_generator,
)
from tests.engine.conftest import BUNDLED

ENTRY = """
from engine.catalogue import DIGITS, ClassifierEntry, Provenance, Weights
from engine.classifiers.mnist import LeNet5

ENTRIES = [
    ClassifierEntry(
        name="mine",
        title="My LeNet-5",
        build=LeNet5,
        weights=Weights("mine.safetensors", sha256={sha256!r}),
        labels=DIGITS,
        image_shape=(1, 28, 28),
        provenance=Provenance("my own", "MIT"),
        mean=(0.1307,),
        std=(0.3081,),
    )
]
"""

CLASHING = ENTRY.replace('"mine"', '"mnist-robust"').replace("{sha256!r}", "None")


def test_the_built_in_models_load_and_say_where_they_come_from(
    mnist_conv, mnist_standard, mnist_robust
) -> None:
    for loaded in (mnist_conv, mnist_standard, mnist_robust):
        assert len(loaded.checksum) == 64
        assert loaded.entry.provenance.source
        assert not any(p.requires_grad for p in loaded.module.parameters())
        assert not loaded.module.training
    points = {point.name: point.shape for point in mnist_conv.module.points}
    assert {name: tuple(s.shape) for name, s in mnist_conv.scales.items()} == points
    assert all(set(subset) <= set(points) for subset in mnist_conv.entry.presets.values())


def test_mnist_presets_overlap_in_one_point(mnist_conv) -> None:
    points = mnist_conv.module.points
    first = layer_weights(mnist_conv.entry, points, "first")
    last = layer_weights(mnist_conv.entry, points, "last")
    assert first == (1, 1, 1, 1, 0, 0, 0)
    assert last == (0, 0, 0, 1, 1, 1, 1)
    with pytest.raises(ModelError, match="it has all, first, last"):
        layer_weights(mnist_conv.entry, points, "middle")


def test_every_digit_has_its_phrase() -> None:
    assert DIGITS.phrases[7] == "a seven"
    assert DIGITS.phrases[8] == "an eight"


@pytest.mark.parametrize("kind", ["generator", "classifier"])
def test_an_unknown_name_lists_the_valid_ones(kind) -> None:
    with pytest.raises(ModelError, match="mnist-"):
        getattr(catalogue(), kind)("resnet9000")


@pytest.mark.parametrize("damage", ["truncated", "flipped", "missing", "no card", "other network"])
def test_damaged_weights_give_one_sentence_and_the_repair(tmp_path, damage) -> None:
    entry = catalogue().classifier("mnist-standard")
    file = tmp_path / "mnist-standard.safetensors"
    for suffix in (".safetensors", ".json"):
        shutil.copy(BUNDLED / f"mnist-standard{suffix}", tmp_path)
    content = bytearray(file.read_bytes())
    match damage:
        case "truncated":
            file.write_bytes(content[:-100])
        case "flipped":
            content[-1] ^= 1
            file.write_bytes(content)
        case "missing":
            file.unlink()
        case "no card":
            file.with_suffix(".json").unlink()
        case "other network":
            shutil.copy(BUNDLED / "mnist-robust.safetensors", file)
            shutil.copy(BUNDLED / "mnist-robust.json", file.with_suffix(".json"))
    with pytest.raises(ModelError) as caught:
        load_classifier(entry, [tmp_path])
    message = str(caught.value)
    assert "mnist-standard" in message
    assert "\n" not in message
    if damage != "no card":
        assert "python -m engine.training standard" in message


def user_folder(tmp_path: Path, text: str) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "mine.py").write_text(text)
    return folder


def test_a_users_own_entry_works_like_a_built_in_one(tmp_path, mnist_robust, mnist_conv) -> None:
    """A file in models/, the weights in a folder: nothing of the code is touched."""
    network = mnist_robust.module.network
    weights = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    save_file(weights, tmp_path / "mine.safetensors")
    sha256 = hashlib.sha256((tmp_path / "mine.safetensors").read_bytes()).hexdigest()
    entries = catalogue(user_folder(tmp_path, ENTRY.format(sha256=sha256)))
    assert "mine" in entries.fitting_classifiers("mnist-conv")
    mine = load_classifier(entries.classifier("mine"), [BUNDLED, tmp_path])
    assert mine.checksum == sha256
    images = torch.rand(3, 1, 28, 28)
    expected = network((images - 0.1307) / 0.3081)
    torch.testing.assert_close(mine.module(images), expected)


@pytest.mark.parametrize(
    ("image_shape", "size", "fits"),
    [
        ((1, 28, 28), None, True),
        ((1, 32, 32), None, False),
        ((1, 32, 32), 32, True),
        ((3, 28, 28), None, False),
        ((3, 32, 32), 32, False),
    ],
)
def test_a_classifier_is_for_pictures_that_it_can_take(image_shape, size, fits) -> None:
    known = catalogue()
    mine = replace(
        known.classifier("mnist-robust"), name="mine", image_shape=image_shape, size=size
    )
    entries = replace(known, classifiers={**known.classifiers, "mine": mine})
    fitting = entries.fitting_classifiers("mnist-conv")
    assert fitting == ["mnist-standard", "mnist-robust", *(["mine"] if fits else [])]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            ENTRY.replace("(1, 28, 28)", "28").format(sha256="0" * 64),
            r"image_shape of “mine” must be \(channels, height, width\), not 28",
        ),
        ("ENTRIES = [", "does not run: SyntaxError"),
        ("1 / 0", "does not run: ZeroDivisionError"),
        ("entries = []", "defines no ENTRIES"),
        ("ENTRIES = ['mnist']", "may hold GeneratorEntry and ClassifierEntry only"),
        (
            ENTRY.format(sha256="0" * 64).replace('"mine"', '"mnist-robust"'),
            "Two models are called",
        ),
    ],
)
def test_a_broken_entry_is_explained(tmp_path, text, message) -> None:
    with pytest.raises(ModelError, match=message):
        catalogue(user_folder(tmp_path, text))


def test_a_broken_file_costs_only_its_own_entries(tmp_path) -> None:
    folder = user_folder(tmp_path, ENTRY.format(sha256="0" * 64))
    (folder / "exits.py").write_text("raise SystemExit(3)")
    (folder / "typed.py").write_text(
        ENTRY.format(sha256="0" * 64).replace('"mine"', '"other"').replace("=DIGITS", "=('a', 'b')")
    )
    told: list[str] = []
    entries = catalogue(folder, lambda error: told.append(str(error)))
    assert "mine" in entries.classifiers and "other" not in entries.classifiers
    assert ["exits.py" in told[0], "typed.py: the labels of “other” must be" in told[1]] == [
        True
    ] * 2


def test_code_that_builds_nothing_is_explained(mnist_robust) -> None:
    def build() -> None:
        raise IndexError("no layer")

    broken = replace(mnist_robust.entry, build=build)
    with pytest.raises(ModelError, match=r"mnist-robust cannot be built \(IndexError: no layer\)"):
        load_classifier(broken, [BUNDLED])


def test_a_generator_without_scales_loads_and_says_so(mnist_conv) -> None:
    loaded = load_generator(replace(mnist_conv.entry, scales=None), [BUNDLED])
    assert loaded.scales is None
