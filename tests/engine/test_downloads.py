"""Downloads against a real server that breaks off, lies, and is asked twice at once."""

from __future__ import annotations

import hashlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine import downloads
from engine.downloads import DownloadError, fetch
from tests.engine.file_server import FileServer, serving

#: Larger than several pieces in which a download arrives; begins as a torch checkpoint does.
CONTENT = b"\x80\x02" + bytes(range(256)) * 5000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "PAUSE", 0.01)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving(CONTENT) as server:
        yield server


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "weights" / "model.bin"


def partial_of(file: Path) -> Path:
    return file.with_name(file.name + ".partial")


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(2000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("it did not happen within 20 s")


def fetching(server: FileServer, file: Path) -> subprocess.Popen[str]:
    """The same download in a process of its own."""
    program = (
        "import sys; from pathlib import Path; from engine.downloads import fetch\n"
        "fetch([sys.argv[1]], Path(sys.argv[2])); print('done')"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, server.url(), str(file)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_file_its_card_and_nothing_else_remain(server, file):
    assert fetch([server.url()], file, sha256=SHA256) == file
    assert file.read_bytes() == CONTENT
    card = json.loads(file.with_suffix(".json").read_text())
    assert card["sha256"] == card["download_sha256"] == SHA256
    assert card["url"] == server.url()
    left = {other.name for other in file.parent.iterdir()}
    assert left == {"model.bin", "model.json", "model.bin.lock"}


def test_progress_rises_to_the_whole(server, file):
    seen = []
    fetch([server.url()], file, on_progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert len(seen) > 2
    assert seen == sorted(seen)


def test_a_file_that_is_there_is_not_fetched_again(server, file):
    fetch([server.url()], file)
    fetch([server.url()], file)
    assert len(server.requests) == 1


def test_a_connection_that_breaks_off_again_and_again_is_taken_up_where_it_was(server, file):
    server.drops_after = 400_000
    fetch([server.url()], file, sha256=SHA256)
    assert file.read_bytes() == CONTENT
    assert server.requests == [None, "bytes=400000-", "bytes=800000-", "bytes=1200000-"]


def test_a_server_that_only_breaks_off_is_given_up_and_the_part_is_kept(server, file):
    server.drops_after = 400_000
    fetch_part(server, file)
    server.drops_after = 0
    with pytest.raises(DownloadError, match=r"stopped after 0\.4 MB .*goes on from there"):
        fetch([server.url()], file)
    server.drops_after = None
    fetch([server.url()], file, sha256=SHA256)
    assert server.requests[-1] == "bytes=400000-"


def fetch_part(server: FileServer, file: Path) -> None:
    """Leave the first 400 000 bytes, as a download that was stopped does."""

    def stop(done: int, total: int | None) -> None:
        if done >= 400_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch([server.url()], file, on_progress=stop)
    assert partial_of(file).stat().st_size == 400_000


def test_a_killed_download_is_taken_up_by_the_next(server, file):
    server.waits_for = threading.Event()
    killed = fetching(server, file)
    wait_for(lambda: partial_of(file).exists() and partial_of(file).stat().st_size > 0)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    have = partial_of(file).stat().st_size
    server.waits_for.set()
    fetch([server.url()], file, sha256=SHA256)
    assert file.read_bytes() == CONTENT
    assert server.requests == [None, f"bytes={have}-"]


@pytest.mark.parametrize("ranges", [True, False])
def test_the_part_of_a_file_that_has_changed_since_is_thrown_away(server, file, ranges):
    server.drops_after = 400_000
    fetch_part(server, file)
    server.content, server.drops_after, server.ranges = CONTENT[::-1], None, ranges
    assert fetch([server.url()], file).read_bytes() == CONTENT[::-1]


def test_a_part_that_is_all_of_it_is_enough(server, file):
    fetch([server.url()], file)
    file.rename(partial_of(file))
    tag = hashlib.sha256(CONTENT).hexdigest()[:16]
    partial_of(file).with_name("model.bin.partial.etag").write_text(f'"{tag}"')
    assert fetch([server.url()], file).read_bytes() == CONTENT


def test_a_wrong_checksum_is_refused_and_nothing_kept(server, file):
    with pytest.raises(DownloadError, match=r"gave something else .*instead of 000000000000"):
        fetch([server.url()], file, sha256="0" * 64)
    assert not file.exists()
    assert not partial_of(file).exists()


def test_what_was_recorded_at_first_use_is_compared_ever_after(server, file):
    fetch([server.url()], file)
    file.unlink()
    server.content = CONTENT[::-1]
    with pytest.raises(DownloadError, match="gave something else than it should"):
        fetch([server.url()], file)
    server.content = CONTENT
    assert fetch([server.url()], file).read_bytes() == CONTENT


def test_a_file_that_changed_on_this_machine_is_refused(server, file):
    fetch([server.url()], file)
    file.write_bytes(CONTENT[:-1])
    with pytest.raises(DownloadError, match=r"has changed since it was fetched .*delete it"):
        fetch([server.url()], file)


def test_a_file_without_a_card_is_recorded_as_it_is(server, file):
    file.parent.mkdir()
    file.write_bytes(CONTENT)
    fetch([server.url()], file)
    assert json.loads(file.with_suffix(".json").read_text()) == {"sha256": SHA256}
    assert not server.requests


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "application/octet-stream"])
def test_a_web_page_is_not_weights_and_does_not_touch_the_part(server, file, content_type):
    server.drops_after = 400_000
    fetch_part(server, file)
    server.content, server.drops_after = b"<!doctype html><title>Sign in</title>", None
    server.content_type, server.ranges = content_type, False
    with pytest.raises(DownloadError, match=r"a web page instead of weights: .*sign in first\."):
        fetch([server.url()], file)
    assert partial_of(file).stat().st_size == 400_000


def test_no_network_is_one_sentence_with_what_to_do_instead(file):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(DownloadError) as refusal:
            fetch([f"http://{address}/model.bin"], file, advice="Or import it.")
    assert str(refusal.value) == (
        f"Nothing could be fetched from {address} ([Errno 111] Connection refused): is there a"
        " network? Or import it."
    )


def test_a_server_that_falls_silent_is_not_waited_for_for_ever(server, file):
    server.waits_for = threading.Event()
    with pytest.raises(DownloadError, match=r"stopped after 0\.\d MB \(timed out\)"):
        fetch([server.url()], file, timeout=0.1)


@pytest.mark.parametrize(
    ("status", "message", "requests"), [(404, "404 Not Found", 1), (503, "503", 5)]
)
def test_a_refusal_is_quoted_and_only_a_passing_one_tried_again(
    server, file, status, message, requests
):
    server.status = status
    with pytest.raises(DownloadError, match=message):
        fetch([server.url()], file)
    assert len(server.requests) == requests


def test_the_next_address_is_tried(server, file):
    with serving(b"") as other:
        other.status = 404
        fetch([other.url(), server.url()], file, sha256=SHA256)
    assert json.loads(file.with_suffix(".json").read_text())["url"] == server.url()


def test_two_processes_at_once_download_once(server, file):
    server.waits_for = threading.Event()
    first = fetching(server, file)
    wait_for(lambda: len(server.requests) == 1)
    second = fetching(server, file)
    time.sleep(1.0)  # the second has begun, and waits
    assert second.poll() is None
    server.waits_for.set()
    assert [process.communicate(timeout=60)[0] for process in (first, second)] == ["done\n"] * 2
    assert len(server.requests) == 1
    assert file.read_bytes() == CONTENT


def test_a_disk_too_small_is_said_before_anything_is_written(server, file):
    server.claimed_length = 10**15
    with pytest.raises(DownloadError, match=r"is full \(1,000,000,000\.0 MB more are needed\)"):
        fetch([server.url()], file)
    assert not partial_of(file).exists()


def test_a_disk_that_fills_up_leaves_the_part_to_go_on_from(server, file):
    """As on a full disk: the system lets no file of the process grow beyond 300 000 bytes."""
    program = (
        "import resource, sys; from pathlib import Path; from engine.downloads import fetch\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))\n"
        "fetch([sys.argv[1]], Path(sys.argv[2]))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, server.url(), str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "is full (File too large): free some space and try again" in run.stderr
    assert run.stderr.strip().splitlines()[-1].startswith("engine.downloads.DownloadError")
    assert partial_of(file).stat().st_size == 300_000
    fetch([server.url()], file, sha256=SHA256)
    assert server.requests[-1] == "bytes=300000-"


def test_a_file_where_the_folder_should_be_is_named(server, tmp_path):
    (tmp_path / "weights").write_text("")
    with pytest.raises(DownloadError, match=r"weights cannot be written \(File exists\)\."):
        fetch([server.url()], tmp_path / "weights" / "model.bin")


def test_what_came_may_be_converted_and_the_card_tells_both_checksums(server, file):
    fetch([server.url()], file, convert=lambda partial, made: made.write_bytes(b"converted"))
    card = json.loads(file.with_suffix(".json").read_text())
    assert file.read_bytes() == b"converted"
    assert card["sha256"] == hashlib.sha256(b"converted").hexdigest()
    assert card["download_sha256"] == SHA256
    assert not partial_of(file).exists()


def test_what_cannot_be_converted_is_refused_and_not_kept(server, file):
    def refuse(partial: Path, made: Path) -> None:
        raise ValueError("it is of another architecture.")

    with pytest.raises(DownloadError, match="cannot be used: it is of another architecture"):
        fetch([server.url()], file, convert=refuse)
    assert not partial_of(file).exists()
