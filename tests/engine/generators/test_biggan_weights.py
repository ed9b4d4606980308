"""From a published file to a generator that runs: the whole road, with the real structure."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine import downloads
from engine.classifiers.checkpoints import CheckpointError
from engine.downloads import DownloadError
from engine.generators.biggan import BigGanDeep
from engine.generators.biggan_plain import PlainBigGan
from engine.generators.biggan_weights import URLS, fetch_weights, import_weights
from tests.engine.file_server import serving
from tests.engine.generators.biggan_models import narrow, random_biggan, some_latents

NAME = "biggan-deep-128"


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
    assert list(URLS) == ["biggan-deep-128", "biggan-deep-256", "biggan-deep-512"]
    assert URLS[NAME] == (
        "https://s3.amazonaws.com/models.huggingface.co/biggan/biggan-deep-128-pytorch_model.bin"
    )


def test_fetched_weights_give_the_packages_image_and_the_card_vouches_for_them(
    plain, published, tmp_path
):
    seen = []
    with serving(published) as server:
        server.drops_after = len(published) * 2 // 5
        file = fetch_weights(
            NAME,
            tmp_path,
            urls=(server.url(),),
            config=narrow(128),
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
            fetch_weights(NAME, tmp_path / place, urls=(server.url(),), config=narrow(128))
            for place in ("here", "there")
        )
    assert first.read_bytes() == second.read_bytes()


def test_without_a_network_the_advice_is_to_bring_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "PAUSE", 0.01)
    with pytest.raises(
        DownloadError, match=r"`python -m app models import biggan-deep-128 FILE_OR_FOLDER`\.$"
    ):
        fetch_weights(NAME, tmp_path, urls=("http://127.0.0.1:9/x",), config=narrow(128))


def test_weights_of_another_resolution_are_not_taken_for_this_one(tmp_path):
    other = saved(random_biggan(narrow(256)).state_dict())
    with (
        serving(other) as server,
        pytest.raises(DownloadError, match=r"cannot be used: .* BigGAN-deep of 128 pixels"),
    ):
        fetch_weights(NAME, tmp_path, urls=(server.url(),), config=narrow(128))
    assert [file.suffix for file in tmp_path.iterdir()] == [".lock"]


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
    file = import_weights(NAME, path, tmp_path / "weights", config=narrow(128))
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
        (lambda state: without(state, MEANS), rf"is not a BigGAN-deep: it has no {MEANS}\."),
        (lambda state: state | {"extra": torch.ones(1)}, "it has extra besides"),
        (lambda state: state | {MEANS: torch.ones(50, 8)}, r"is \(50, 8\), not \(51, 8\)"),
        (lambda state: state | {MEANS: torch.full((51, 8), torch.nan)}, "not finite"),
        (lambda state: [1, 2], "holds no weights"),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(spoil, message, plain, tmp_path):
    given = as_file(tmp_path, saved(spoil(dict(plain.state_dict()))))
    with pytest.raises(CheckpointError, match=message):
        import_weights(NAME, given, tmp_path / "weights", config=narrow(128))
    assert not list((tmp_path / "weights").iterdir())


def test_a_checkpoint_that_would_run_something_is_refused(tmp_path):
    given = as_file(tmp_path, pickle.dumps(_Command(), protocol=2))
    with pytest.raises(CheckpointError):
        import_weights(NAME, given, tmp_path / "weights", config=narrow(128))


def test_a_folder_of_another_model_is_refused(published, tmp_path):
    folder = as_folder(tmp_path, published)
    (folder / "config.json").write_text(narrow(256).to_json_string())
    with pytest.raises(CheckpointError, match=r"config\.json is of another model"):
        import_weights(NAME, folder, tmp_path / "weights", config=narrow(128))


@pytest.mark.parametrize(
    ("name", "place", "message"),
    [
        (NAME, "missing", "neither a file nor a folder"),
        (NAME, ".", "holds no checkpoint: give the file itself"),
        ("biggan-deep-64", ".", "no BigGAN “biggan-deep-64”; there are biggan-deep-128, "),
    ],
)
def test_what_cannot_be_imported_is_said_in_a_sentence(name, place, message, tmp_path):
    with pytest.raises(CheckpointError, match=message):
        import_weights(name, tmp_path / place, tmp_path / "weights")
