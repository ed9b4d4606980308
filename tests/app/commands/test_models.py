"""`python -m app models` as its user meets it, and the road of weights from a server that fails.

The file that is served has the structure of biggan-deep-128's pytorch_model.bin, every tensor of
it, with 8 channels where the published one has 128.
"""

from __future__ import annotations

import io
import json
import resource
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image
from torchvision.models import resnet50, squeezenet1_1

from app.__main__ import main
from app.runner import scale_files
from app.runner.models import Models
from data.database import open_database
from data.experiments import conditions, experiments
from data.home import Home
from data.results import results
from engine import downloads
from tests.app.processes import PATIENCE_SECONDS, ROOT, command, until
from tests.engine.file_server import FileServer, serving
from tests.engine.generators.biggan_models import narrow, random_biggan
from tests.engine.published_files import robustness_checkpoint

Run = Callable[..., SimpleNamespace]
Start = Callable[..., subprocess.Popen[str]]

ENTRY = """
from dataclasses import replace
from functools import partial

from engine.entries import Labels, Origin, Weights
from engine.generators.biggan import BigGanDeep
from engine.generators.biggan_points import configuration, published_points
from engine.imagenet_generators import IMAGENET_GENERATORS

ENTRIES = [
    replace(
        IMAGENET_GENERATORS[0],
        name="small-biggan",
        build=partial(BigGanDeep, configuration(128, channel_width=8, label_count=10)),
        weights=Weights("small-biggan.safetensors", repair="Or import it."),
        labels=Labels(tuple("abcdefghij"), tuple("abcdefghij")),
        origin=Origin(urls=({url!r},), sha256={sha256!r}),
        points=(),
    )
]
"""


@pytest.fixture
def run(place: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("models", …)`: the command in this process, which has torch already."""
    monkeypatch.setattr(downloads, "PAUSE", 0.01)

    def run_here(*arguments: str) -> SimpleNamespace:
        status = main([*arguments, "--threads", "1", "--home", str(place.root)])
        told = capsys.readouterr()
        return SimpleNamespace(returncode=status, stdout=told.out, stderr=told.err)

    return run_here


@pytest.fixture(scope="module")
def published() -> bytes:
    stream = io.BytesIO()
    torch.save(
        random_biggan(narrow(128)).state_dict(), stream, _use_new_zipfile_serialization=False
    )
    return stream.getvalue()


@pytest.fixture
def server(published: bytes, place: Home) -> Iterator[FileServer]:
    with serving(published) as server:
        offer(place, server.url())
        yield server


def offer(place: Home, url: str, sha256: str | None = None) -> None:
    (place.models / "small_biggan.py").write_text(ENTRY.format(url=url, sha256=sha256))


def weights(place: Home) -> Path:
    return place.weights / "small-biggan.safetensors"


def partial(place: Home) -> Path:
    return place.weights / "small-biggan.safetensors.partial"


def objects(told: SimpleNamespace) -> list[dict[str, object]]:
    assert told.returncode == 0, told.stderr
    return [json.loads(line) for line in told.stdout.splitlines()]


def refused(told: SimpleNamespace | subprocess.CompletedProcess[str]) -> str:
    """The sentence on standard error of a command that could not be met."""
    assert (told.returncode, told.stdout) == (2, ""), told.stderr
    [sentence] = told.stderr.strip().splitlines()[-1:]
    assert "Traceback" not in told.stderr
    return sentence


def test_a_model_is_fetched_over_a_connection_that_breaks_off_and_then_is_ready(
    run: Run, place: Home, server: FileServer, published: bytes
) -> None:
    listed = {one["name"]: one for one in objects(run("models", "list", "--json"))}
    assert listed["small-biggan"]["remark"] == (
        "The weights of small-biggan are fetched on first use."
    )
    server.drops_after = len(published) * 2 // 5
    [told] = objects(run("models", "fetch", "small-biggan", "--json"))
    assert [asked is None for asked in server.requests] == [True, False, False]
    listed = {one["name"]: one for one in objects(run("models", "list", "--json"))}
    assert listed["small-biggan"]["checksum"] == told["sha256"]
    assert (told["weights"], listed["small-biggan"]["remark"]) == (str(weights(place)), None)


def test_a_killed_fetch_goes_on_where_it_was(
    run: Run, start: Start, place: Home, server: FileServer
) -> None:
    server.waits_for = threading.Event()
    killed = start("models", "fetch", "small-biggan")
    until(lambda: partial(place).exists() and partial(place).stat().st_size > 0)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    have = partial(place).stat().st_size
    server.waits_for.set()
    assert run("models", "fetch", "small-biggan").returncode == 0
    assert server.requests == [None, f"bytes={have}-"]


def test_ctrl_c_keeps_what_has_come(start: Start, place: Home, server: FileServer) -> None:
    server.waits_for = threading.Event()
    stopped = start("models", "fetch", "small-biggan")
    until(lambda: partial(place).exists() and partial(place).stat().st_size > 0)
    stopped.send_signal(signal.SIGINT)
    server.waits_for.set()
    _, told = stopped.communicate(timeout=60)
    assert stopped.returncode == 130
    assert "the same command goes on from there" in told
    assert partial(place).stat().st_size > 0


def test_two_processes_at_once_fetch_it_once(start: Start, place: Home, server: FileServer) -> None:
    server.waits_for = threading.Event()
    first = start("models", "fetch", "small-biggan")
    until(lambda: len(server.requests) == 1)
    second = start("models", "fetch", "small-biggan")
    until(lambda: second.poll() is not None or _waits(second))
    server.waits_for.set()
    assert [process.wait(60) for process in (first, second)] == [0, 0]
    assert len(server.requests) == 1


def _waits(process: subprocess.Popen[str]) -> bool:
    """Whether it has opened the lock that the other holds."""
    descriptors = Path(f"/proc/{process.pid}/fd")
    try:
        return any(str(one.readlink()).endswith(".lock") for one in descriptors.iterdir())
    except OSError:
        return False


def test_a_wrong_checksum_is_refused_and_nothing_of_it_kept(
    run: Run, place: Home, server: FileServer
) -> None:
    offer(place, server.url(), sha256="0" * 64)
    assert "gave something else than it should" in refused(run("models", "fetch", "small-biggan"))
    assert not partial(place).exists() and not weights(place).exists()


def test_a_web_page_is_not_taken_for_weights(run: Run, place: Home, server: FileServer) -> None:
    server.content, server.content_type = b"<html>Sign in</html>", "text/html"
    sentence = refused(run("models", "fetch", "small-biggan"))
    assert "answered with a web page instead of weights" in sentence
    assert not weights(place).exists()


def test_no_network_is_one_sentence_with_the_command_that_does_without(run: Run, place: Home):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        offer(place, f"http://127.0.0.1:{unused.getsockname()[1]}/pytorch_model.bin")
        sentence = refused(run("models", "fetch", "small-biggan"))
    assert sentence.startswith("Nothing could be fetched from 127.0.0.1")
    assert sentence.endswith("is there a network? Or import it.")


def test_a_disk_that_fills_up_is_said_and_the_same_command_goes_on_later(
    run: Run, place: Home, server: FileServer, published: bytes
) -> None:
    """As on a full disk: the system lets no file of the process grow beyond the limit."""
    limit = len(published) // 2
    told = subprocess.run(
        command("models", "fetch", "small-biggan", place=place),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert "is full" in refused(told) and "free some space and try again" in told.stderr
    assert partial(place).stat().st_size == limit
    assert run("models", "fetch", "small-biggan").returncode == 0
    assert server.requests[-1] == f"bytes={limit}-"


def test_an_imported_folder_serves_a_search_whose_options_are_recorded(
    run: Run, place: Home, published: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Truncation and what the condition follows are parts of the definition; σ of the result."""
    monkeypatch.setattr(scale_files, "PREVIEW", 16)
    offer(place, "http://127.0.0.1:9/nobody")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "pytorch_model.bin").write_bytes(published)
    (tmp_path / "theirs" / "config.json").write_text("{}")
    assert run("models", "import", "small-biggan", str(tmp_path / "theirs")).returncode == 0
    torch.manual_seed(0)
    torch.save(squeezenet1_1(num_classes=10).state_dict(), tmp_path / "random.pth")
    (tmp_path / "classes.txt").write_text("\n".join("abcdefghij"))
    added = run(
        *("models", "add", "torchvision:squeezenet1_1", str(tmp_path / "random.pth")),
        *("--classes", str(tmp_path / "classes.txt")),
    )
    assert added.returncode == 0, added.stderr
    [result] = objects(
        run(
            *("search", "--generator", "small-biggan", "--label", taken_for(place, seed=3)),
            *("--classifier", "torchvision:squeezenet1_1@random", "--seed", "3", "--json"),
            *("--truncation", "0.5", "--keep-condition", "--subset", "first four"),
            *("--budget", "2"),
        )
    )
    assert result["steps"] > 0
    with closing(open_database(place)) as database:
        newest = experiments(database, kind="exploration")[0]
        assert newest.definition["truncation"] == 0.5
        assert newest.definition["condition_follows_z"] is False
        [condition] = conditions(database, newest.id)
        [stored] = results(database, condition.id)
        assert len(newest.generator_checksum) == len(condition.classifier_checksum) == 64
        assert (stored.scales_samples, len(stored.scales_checksum)) == (16, 64)


@pytest.mark.parametrize(
    ("architecture", "sentence"),
    [("squeezenet1_1", "give their names: --classes FILE"), ("resnet18", "Missing key")],
)
def test_a_checkpoint_that_does_not_fit_is_refused_before_it_is_in_the_list(
    place: Home, capsys: pytest.CaptureFixture[str], tmp_path: Path, architecture, sentence
) -> None:
    """Its ten classes are not ImageNet's, or it is of another architecture."""
    torch.save(squeezenet1_1(num_classes=10).state_dict(), tmp_path / "own.pth")
    named = ("add", f"torchvision:{architecture}", str(tmp_path / "own.pth"))
    assert main(["models", *named, "--home", str(place.root)]) == 2
    told = capsys.readouterr().err
    assert "does not hold the weights" in told
    assert sentence in told
    assert len(told.strip().splitlines()) == 1
    assert not list(place.models.glob("torchvision*"))


def taken_for(place: Home, seed: int) -> str:
    """A label whose picture the random classifier takes for it, so that there is a search."""
    models = Models(place)
    generator = models.generator("small-biggan", 0.5).module
    classifier = models.classifier("torchvision:squeezenet1_1@random").module
    z = generator.latent(seed).expand(10, -1)
    right = classifier(generator(z, torch.arange(10))).argmax(1) == torch.arange(10)
    return str(int(right.nonzero()[0]))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("show",), "Write: python -m app models show NAME"),
        (("check", "mnist-robust"), "Write: python -m app models check NAME PATH"),
        (("show", "resnet9"), "There is no model “resnet9”; there are mnist-conv, biggan-deep-128"),
        (("import", "mnist-robust", "x"), "comes with Plainview"),
        (("import", "resnet50", "nowhere.pth"), "nowhere.pth cannot be read"),
        (("check", "mnist-conv", "."), "is a generator: name a classifier"),
        (("check", "mnist-robust", "nowhere"), "There are no photos in nowhere"),
        (("scales", "mnist-robust"), "is a classifier; σ is a generator's"),
        (("add", "timm:resnet9000"), "timm has no resnet9000"),
        (("check", "torchvision:resnet18", ".", "--checkpoint", "no.pth"), "no.pth cannot be read"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    place: Home, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    assert main(["models", *arguments, "--home", str(place.root)]) == 2
    told = capsys.readouterr()
    assert sentence in told.err
    assert (told.out, len(told.err.strip().splitlines())) == ("", 1)


def test_a_classifier_is_checked_on_a_folder_of_labelled_images(run: Run, place: Home) -> None:
    """Blank pictures all look alike, so that one of the ten folders is right: 1 of 10, and 5."""
    folder = place.root / "digits"
    for label in range(10):
        (folder / str(label)).mkdir(parents=True)
        Image.new("L", (28, 28), 90).save(folder / str(label) / "blank.png")
    [told] = objects(run("models", "check", "mnist-standard", str(folder), "--json"))
    assert (told["photos"], told["top1"]["right"], told["top5"]["right"]) == (10, 1, 5)
    assert told["top1"]["low"] == pytest.approx(0.0179, abs=1e-4)  # Wilson's, 1 of 10
    assert told["top1"]["high"] == pytest.approx(0.4042, abs=1e-4)


def test_the_robustness_librarys_checkpoint_is_imported_without_running_it(
    run: Run, place: Home, tmp_path: Path
) -> None:
    """Pickled by dill, with functions of the training script inside."""
    dill = pytest.importorskip("dill")
    torch.manual_seed(0)
    network = resnet50()
    torch.save(robustness_checkpoint(network), tmp_path / "imagenet_l2_3_0.pt", pickle_module=dill)
    given = str(tmp_path / "imagenet_l2_3_0.pt")
    [told] = objects(run("models", "import", "resnet50-l2-3", given, "--json"))
    assert told["weights"] == str(place.weights / "resnet50-l2-3.safetensors")
    shown = run("models", "show", "resnet50-l2-3")
    assert f"sha256: {told['sha256']}" in shown.stdout


def test_sigma_is_measured_once_and_told(run: Run) -> None:
    [first] = objects(run("models", "scales", "tiny", "--json"))
    [again] = objects(run("models", "scales", "tiny", "--json"))
    assert first == again
    assert first["samples"] == 10_000
    assert "σ: measured over 10,000 samples" in run("models", "show", "tiny").stdout
