"""From a published file to a generator that runs: the whole road, with the real structure."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from pytorch_pretrained_biggan.model import PRETRAINED_MODEL_ARCHIVE_MAP
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine import downloads
from engine.entries import GeneratorEntry, ModelError, Origin
from engine.generators.biggan import BigGanDeep
from engine.generators.biggan_plain import PlainBigGan
from engine.generators.biggan_points import configuration
from engine.imagenet_generators import IMAGENET_GENERATORS
from engine.published import import_weights, obtain_weights
from tests.engine.file_server import serving
from tests.engine.generators.biggan_models import narrow, random_biggan, some_latents

NAME = "biggan-deep-128"


def entry(*urls: str, sha256: str | None = None) -> GeneratorEntry:
    """The catalogue's, of 8 channels where it has 128, whose weights are published elsewhere."""
    return replace(
        IMAGENET_GENERATORS[0],
        build=partial(BigGanDeep, narrow(128)),
        origin=Origin(urls=urls, sha256=sha256),
    )


@pytest.fixture(scope="module")
def plain() -> PlainBigGan:
    return random_biggan(narrow(128))


@pytest.fixture(scope="module")
def published(plain: PlainBigGan) -> bytes:
    """As the package's authors saved theirs in 2019: before torch's files were zip archives."""
    return saved(plain.state_dict())


def saved(content: object) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream, _use_new_zipfile_serialization=False)
    return stream.getvalue()


def image_from(file: Path) -> Tensor:
    generator = BigGanDeep(narrow(128))
    generator.load_state_dict(load_file(file))
    generator.prepare(1.0)
    return generator(*some_latents(generator, 1, seed=1))


def assert_same_image(file: Path, plain: PlainBigGan) -> None:
    torch.testing.assert_close(
        image_from(file), plain(*some_latents(plain, 1, seed=1)), rtol=0, atol=1e-5
    )


def test_the_addresses_are_the_packages_own():
    addresses = {one.name: one.origin.urls for one in IMAGENET_GENERATORS}
    assert addresses == {name: (url,) for name, url in PRETRAINED_MODEL_ARCHIVE_MAP.items()}


def test_the_announced_size_is_that_of_the_parameters():
    for resolution, one in zip((128, 256, 512), IMAGENET_GENERATORS, strict=True):
        with torch.device("meta"):
            state = PlainBigGan(configuration(resolution)).state_dict()
        size = sum(values.numel() * values.element_size() for values in state.values())
        assert one.origin.megabytes == pytest.approx(size / 1e6, abs=1)


def test_fetched_weights_give_the_packages_image_and_the_card_vouches_for_them(
    plain, published, tmp_path
):
    seen = []
    with serving(published) as server:
        server.drops_after = len(published) * 2 // 5
        file = obtain_weights(
            entry(server.url()),
            tmp_path,
            on_progress=lambda done, total: seen.append((done, total)),
        )
        assert [request is None for request in server.requests] == [True, False, False]
    assert file == tmp_path / "biggan-deep-128.safetensors"
    assert seen[-1] == (len(published), len(published))
    card = json.loads((tmp_path / "biggan-deep-128.json").read_text())
    assert card["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert card["download_sha256"] == hashlib.sha256(published).hexdigest()
    assert_same_image(file, plain)


def test_the_same_download_makes_the_same_file(published, tmp_path):
    with serving(published) as server:
        first, second = (
            obtain_weights(entry(server.url()), tmp_path / place) for place in ("here", "there")
        )
    assert first.read_bytes() == second.read_bytes()


def test_without_a_network_the_advice_is_to_bring_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "PAUSE", 0.01)
    with pytest.raises(
        ModelError,
        match=r"is there a network.*`python -m app models import biggan-deep-128 FILE_OR_FOLDER`",
    ):
        obtain_weights(entry("http://127.0.0.1:9/x"), tmp_path)


def test_weights_of_another_resolution_are_not_taken_for_this_one(tmp_path):
    other = saved(random_biggan(narrow(256)).state_dict())
    with (
        serving(other) as server,
        pytest.raises(ModelError, match="does not hold the weights of biggan-deep-128"),
    ):
        obtain_weights(entry(server.url()), tmp_path)
    assert {file.suffix for file in tmp_path.iterdir()} <= {".lock", ".etag"}


def as_file(folder: Path, content: bytes) -> Path:
    (folder / "anything.bin").write_bytes(content)
    return folder / "anything.bin"


def as_folder(folder: Path, content: bytes) -> Path:
    (folder / "pytorch_model.bin").write_bytes(content)
    return folder


def as_folder_with_configuration(folder: Path, content: bytes) -> Path:
    (folder / "config.json").write_text(narrow(128).to_json_string())
    return as_folder(folder, content)


def as_folder_of_safetensors(folder: Path, content: bytes) -> Path:
    save_file(torch.load(io.BytesIO(content), weights_only=True), folder / "model.safetensors")
    return folder


@pytest.mark.parametrize(
    "laid_out", [as_file, as_folder, as_folder_with_configuration, as_folder_of_safetensors]
)
def test_imported_weights_give_the_packages_image(laid_out, plain, published, tmp_path):
    (tmp_path / "given").mkdir()
    path = laid_out(tmp_path / "given", published)
    file = import_weights(entry(), path, tmp_path / "weights")
    card = json.loads(file.with_suffix(".json").read_text())
    assert card["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert_same_image(file, plain)
    assert path.exists(), "what was imported stays where it is"


class _Command:
    """What a hostile checkpoint holds: unpickled, it runs a command."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (shutil.rmtree, ("/nowhere",))


def without(state: dict[str, Tensor], key: str) -> dict[str, Tensor]:
    return {name: values for name, values in state.items() if name != key}


MEANS = "generator.bn.running_means"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda state: without(state, MEANS), rf"Missing key.*{MEANS}"),
        (lambda state: state | {"extra": torch.ones(1)}, 'Unexpected key.*"extra"'),
        (lambda state: state | {MEANS: torch.ones(50, 8)}, r"size mismatch.*\[50, 8\]"),
        (lambda state: state | {MEANS: torch.full((51, 8), torch.nan)}, "not finite"),
        (lambda state: [1, 2], "holds no weights"),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(spoil, message, plain, tmp_path):
    given = as_file(tmp_path, saved(spoil(dict(plain.state_dict()))))
    with pytest.raises(ModelError, match=message):
        import_weights(entry(), given, tmp_path / "weights")
    assert not [*(tmp_path / "weights").glob("*.safetensors")]


def test_a_checkpoint_that_would_run_something_is_refused(tmp_path):
    given = as_file(tmp_path, pickle.dumps(_Command(), protocol=2))
    with pytest.raises(ModelError):
        import_weights(entry(), given, tmp_path / "weights")


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("missing", "missing cannot be read"),
        (".", r"holds no checkpoint \(pytorch_model\.bin, .*: give the file\."),
        ("two", r"two holds 2 files \*\.pth: give the file itself"),
    ],
)
def test_what_cannot_be_imported_is_said_in_a_sentence(place, message, tmp_path):
    (tmp_path / "two").mkdir()
    for name in ("a.pth", "b.pth"):
        (tmp_path / "two" / name).touch()
    with pytest.raises(ModelError, match=message):
        import_weights(entry(), tmp_path / place, tmp_path / "weights")
