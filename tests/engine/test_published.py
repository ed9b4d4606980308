"""Published weights: fetched once, checked, converted, and from then on like any other model."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import timm
import torch
from torch import nn
from torchvision.models import resnet50, squeezenet1_1

from engine.catalogue import ClassifierEntry, ModelError, Provenance, Weights, load_classifier
from engine.classifiers.imagenet import IMAGENET, MEAN, STD
from engine.entries import Origin
from engine.imagenet_classifiers import IMAGENET_CLASSIFIERS
from engine.published import import_weights, obtain_weights
from tests.engine.published_files import fast_checkpoint, robustness_checkpoint

ENTRIES = {entry.name: entry for entry in IMAGENET_CLASSIFIERS}


def squeezenet(origin: Origin) -> ClassifierEntry:
    return ClassifierEntry(
        name="squeeze",
        title="SqueezeNet",
        build=squeezenet1_1,
        weights=Weights("squeeze.safetensors", repair="Fetch it."),
        labels=IMAGENET,
        image_shape=(3, 224, 224),
        provenance=Provenance("a test", "none"),
        mean=MEAN,
        std=STD,
        size=224,
        origin=origin,
    )


def saved(file: Path, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    network = squeezenet1_1().eval()
    torch.save(network.state_dict(), file)
    return network


def checksum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_the_four_are_those_of_the_paper() -> None:
    assert list(ENTRIES) == [
        "resnet50",
        "efficientnet-b4-ns",
        "resnet50-l2-3",
        "resnet50-linf-4-fast",
    ]
    for entry in IMAGENET_CLASSIFIERS:
        assert entry.labels is IMAGENET
        assert entry.origin.urls[0].startswith("https://")
        assert entry.image_shape == (3, entry.size, entry.size)
        assert entry.framing.crop == entry.size
        assert entry.name in entry.weights.repair
    assert "57.90" in ENTRIES["resnet50-l2-3"].provenance.accuracy
    config = timm.get_pretrained_cfg("tf_efficientnet_b4.ns_jft_in1k")
    efficientnet = ENTRIES["efficientnet-b4-ns"]
    assert config.url == efficientnet.origin.urls[0]
    assert config.input_size == efficientnet.image_shape
    assert int(380 / config.crop_pct) == efficientnet.framing.resize
    assert config.interpolation == efficientnet.interpolation
    assert (config.mean, config.std) == (efficientnet.mean, efficientnet.std)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("resnet50", lambda network: network.state_dict()),
        ("resnet50-l2-3", robustness_checkpoint),
        ("resnet50-linf-4-fast", fast_checkpoint),
    ],
)
def test_each_published_form_becomes_the_networks_own(tmp_path, name, content) -> None:
    pickle = pytest.importorskip("dill") if name == "resnet50-l2-3" else None
    torch.manual_seed(0)
    network = resnet50().eval()
    torch.save(
        content(network), tmp_path / "theirs.pt", **({"pickle_module": pickle} if pickle else {})
    )
    entry = ENTRIES[name]
    unpinned = replace(entry, origin=replace(entry.origin, sha256=None))
    import_weights(unpinned, tmp_path / "theirs.pt", tmp_path / "weights")
    loaded = load_classifier(entry, [tmp_path / "weights"])
    images = torch.rand(1, *entry.image_shape)
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (MEAN, STD))
    with torch.no_grad():
        expected = network((images - mean) / std)
        torch.testing.assert_close(loaded.module(images), expected, rtol=1e-3, atol=1e-3)


def test_efficientnet_loads_what_timm_publishes(tmp_path) -> None:
    entry = ENTRIES["efficientnet-b4-ns"]
    torch.manual_seed(0)
    network = timm.create_model("tf_efficientnet_b4.ns_jft_in1k").eval()
    torch.save(network.state_dict(), tmp_path / "theirs.pth")
    unpinned = replace(entry, origin=replace(entry.origin, sha256=None))
    import_weights(unpinned, tmp_path / "theirs.pth", tmp_path)
    kept = load_classifier(entry, [tmp_path]).module.network.state_dict()
    assert all(torch.equal(kept[key], value) for key, value in network.state_dict().items())


def test_a_file_that_is_not_the_published_one_is_refused(tmp_path) -> None:
    saved(tmp_path / "other.pth")
    with pytest.raises(ModelError, match=r"not the published file of resnet50: its sha256 begins"):
        import_weights(ENTRIES["resnet50"], tmp_path / "other.pth", tmp_path)
    assert not (tmp_path / "resnet50.safetensors").exists()


def test_other_weights_under_the_right_checksum_are_refused(tmp_path) -> None:
    torch.save(resnet50().state_dict(), tmp_path / "theirs.pth")
    entry = squeezenet(Origin(sha256=checksum(tmp_path / "theirs.pth")[:8]))
    with pytest.raises(ModelError, match="does not hold the weights of squeeze, 1000 classes"):
        import_weights(entry, tmp_path / "theirs.pth", tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["theirs.pth"]


def test_another_normalisation_is_refused(tmp_path) -> None:
    state = {f"model.{key}": value for key, value in squeezenet1_1().state_dict().items()}
    state |= {"normalize.mean": torch.full((3,), 0.5), "normalize.std": torch.full((3,), 0.5)}
    torch.save(state, tmp_path / "theirs.pth")
    with pytest.raises(ModelError, match=r"normalises by \(0.5, 0.5, 0.5\), but squeeze by"):
        import_weights(squeezenet(Origin()), tmp_path / "theirs.pth", tmp_path)


def test_without_a_pin_the_first_file_is_recorded_and_compared_ever_after(tmp_path) -> None:
    entry = squeezenet(Origin())
    first, second = tmp_path / "first.pth", tmp_path / "second.pth"
    saved(first, seed=1)
    saved(second, seed=2)
    target = import_weights(entry, first, tmp_path)
    card = json.loads(target.with_suffix(".json").read_text())
    assert card["download_sha256"] == checksum(first)
    assert card["sha256"] == checksum(target) == load_classifier(entry, [tmp_path]).checksum
    target.unlink()
    with pytest.raises(ModelError, match="not the published file"):
        import_weights(entry, second, tmp_path)
    import_weights(entry, first, tmp_path)
    assert load_classifier(entry, [tmp_path]).checksum == card["sha256"]


def test_what_is_there_is_not_fetched_again(tmp_path) -> None:
    saved(tmp_path / "theirs.pth")
    entry = squeezenet(Origin(urls=("http://127.0.0.1:9/nobody-listens",)))
    target = import_weights(entry, tmp_path / "theirs.pth", tmp_path)
    assert obtain_weights(entry, tmp_path) == target


def test_without_an_address_the_repair_is_said(tmp_path) -> None:
    with pytest.raises(ModelError, match=r"has no address to fetch from\. Fetch it\."):
        obtain_weights(squeezenet(Origin()), tmp_path)


@pytest.fixture
def server(tmp_path) -> Iterator[tuple[Path, str]]:
    """A folder, and the address it is served under."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


@pytest.mark.parametrize("digits", [64, 8, 0], ids=["whole sha256", "first digits", "unpinned"])
def test_weights_are_fetched_converted_and_run(tmp_path, server, digits) -> None:
    folder, address = server
    network = saved(folder / "squeeze-published.pth")
    pin = checksum(folder / "squeeze-published.pth")[:digits] or None
    entry = squeezenet(Origin(urls=(f"{address}/squeeze-published.pth",), sha256=pin))
    seen: list[tuple[int, int | None]] = []
    weights = tmp_path / "weights"
    obtain_weights(entry, weights, on_progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == (folder / "squeeze-published.pth").stat().st_size
    card = json.loads((weights / "squeeze.json").read_text())
    assert card["download_sha256"] == checksum(folder / "squeeze-published.pth")
    loaded = load_classifier(entry, [weights])
    images = torch.rand(1, 3, 224, 224)
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (MEAN, STD))
    with torch.no_grad():
        torch.testing.assert_close(loaded.module(images), network((images - mean) / std))


def test_a_wrong_file_at_the_address_leaves_nothing_behind(tmp_path, server) -> None:
    folder, address = server
    saved(folder / "squeeze.pth")
    (folder / "page.pth").write_text("<html>Sign in</html>")
    torch.save(resnet50().state_dict(), folder / "resnet.pth")
    for name, pin, message in [
        ("squeeze", "0" * 8, "not the published file of squeeze"),
        ("squeeze", "0" * 64, "something else than it should"),
        ("resnet", None, "does not hold the weights of squeeze"),
        ("page", None, "answered with a web page"),
        ("absent", None, "404"),
    ]:
        entry = squeezenet(Origin(urls=(f"{address}/{name}.pth",), sha256=pin))
        with pytest.raises(ModelError, match=message) as caught:
            obtain_weights(entry, tmp_path / "weights")
        assert "\n" not in str(caught.value)
        left = {file.suffix for file in (tmp_path / "weights").iterdir()}
        assert left <= {".lock", ".etag"}, "nothing of a wrong file is taken up by the next call"


def test_loading_fetches_what_is_missing(tmp_path, server) -> None:
    folder, address = server
    saved(folder / "squeeze.pth")
    entry = squeezenet(Origin(urls=(f"{address}/squeeze.pth",)))
    (tmp_path / "bundled").mkdir()
    loaded = load_classifier(entry, [tmp_path / "bundled", tmp_path / "weights"])
    assert loaded.checksum == checksum(tmp_path / "weights" / "squeeze.safetensors")
