"""The command line as its user meets it: real processes, their output and their exit status.

Each command is a process of its own at least once; what else is asked of it, is asked `here`.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import pty
import signal
import subprocess
import urllib.request
from collections.abc import Callable

import pytest

from app import api
from app.__main__ import main
from app.commands import COMMANDS
from app.commands.reference import reference
from app.runner.lock import worker_alive
from data.database import open_database
from data.experiments import experiments
from data.home import Home
from data.images import image_file
from tests.app.processes import ROOT, command, until

Run = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., subprocess.Popen[str]]

EXPERIMENT = (
    *("experiment", "--generator", "tiny", "--classifiers", "tiny-fair", "tiny-stubborn"),
    *("--subsets", "first", "last", "--trials", "6", "--threads", "1"),
    *("--schedule", "imagenet", "--slots", "4"),
)
#: Long enough to be interrupted in its middle.
LONG = (
    *("experiment", "--generator", "tiny", "--classifiers", "tiny-fair", "--subsets", "last"),
    *("--trials", "12", "--budget", "1500", "--slots", "4", "--threads", "1", "--json"),
)
ENDLESS = tuple({"12": "2000", "1500": "9000"}.get(word, word) for word in LONG)
PROMISED = {
    *("index", "label", "target", "classifier", "subset"),
    *("search", "outcome", "magnitude", "steps", "seconds"),
}


@pytest.fixture
def here(place: Home, capsys: pytest.CaptureFixture[str]) -> Run:
    """As `run`, within this process, which has imported everything already."""

    def run_here(*arguments: str) -> subprocess.CompletedProcess[str]:
        capsys.readouterr()
        status = main([*arguments, "--home", str(place.root)])
        told = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, status, told.out, told.err)

    return run_here


def lines(output: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.splitlines()]


def test_an_experiment_prints_json_lines_and_nothing_else_and_is_run_once(
    run: Run, here: Run
) -> None:
    first = run(*EXPERIMENT, "--json")
    assert first.returncode == 0, first.stderr
    results = lines(first.stdout)
    assert len(results) == 6 * 4
    assert all(result.keys() >= PROMISED for result in results)
    assert all(
        (result["magnitude"] is not None) == (result["outcome"] == "found") for result in results
    )
    again = here(*EXPERIMENT, "--json")
    key = lambda result: (result["classifier"], result["subset"], result["index"])  # noqa: E731
    assert sorted(lines(again.stdout), key=key) == sorted(results, key=key)
    assert {result["experiment"] for result in lines(again.stdout)} == {results[0]["experiment"]}

    listed = here("results", "--list", "--json")
    assert [one["results"] for one in lines(listed.stdout)] == [24]
    shown = here("results", str(results[0]["experiment"]), "--json")
    assert sorted(lines(shown.stdout), key=key) == sorted(results, key=key)


def test_a_file_and_the_flags_are_the_same_experiment(run: Run, here: Run, place: Home) -> None:
    asked = (*EXPERIMENT, "--weights", "z=1", "output=0.5", "--random-directions", "1")
    flags = here(*asked, "--json")
    assert flags.returncode == 0, flags.stderr
    file = place.root / "mine.toml"
    written = here(*asked, "--save", str(file))
    assert (written.returncode, written.stdout) == (0, "")
    again = run("experiment", "run", str(file), "--json")
    assert again.returncode == 0, again.stderr
    assert sorted(again.stdout.splitlines()) == sorted(flags.stdout.splitlines())
    assert {one["role"] for one in lines(again.stdout)} == {"search", "random-direction"}

    file.write_text(file.read_text().replace("tiny-fair", "tiny-unfair"))
    refused = here("experiment", "run", str(file))
    assert refused.returncode == 2
    assert "mine.toml, line 2, classifiers: There is no classifier “tiny-unfair”" in refused.stderr


@pytest.mark.parametrize(
    ("options", "answer", "stored"), [((), "n", 0), ((), "", 1), (("--yes",), None, 1)], ids=str
)
def test_on_a_terminal_the_cost_is_said_and_the_start_asked_for(
    place: Home, options: tuple[str, ...], answer: str | None, stored: int
) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command(*EXPERIMENT[:-4], "--budget", "5", *options, place=place),
        cwd=ROOT,
        stdin=theirs,
        stderr=theirs,
        stdout=subprocess.DEVNULL,
    )
    os.close(theirs)
    told = ""
    while "[Y/n]" not in told and process.poll() is None:
        told += _read(ours)
        if "complete" in told:
            break
    assert "24 results on cpu: at most" in told
    assert ("[Y/n]" in told) == (answer is not None)
    if answer is not None:
        os.write(ours, f"{answer}\n".encode())
    while process.poll() is None:
        _read(ours)
    os.close(ours)
    assert process.returncode == 0
    assert len(experiments(open_database(place))) == stored


def _read(terminal: int) -> str:
    """What the process has written; nothing once it has ended."""
    try:
        return os.read(terminal, 4096).decode(errors="replace")
    except OSError:
        return ""


def test_an_experiment_is_extended_by_its_id(here: Run) -> None:
    before = lines(here(*EXPERIMENT, "--json").stdout)
    experiment_id = str(before[0]["experiment"])
    extended = here(
        *("experiment", "--resume", experiment_id, "--trials", "8", "--threads", "1", "--json")
    )
    assert extended.returncode == 0, extended.stderr
    after = lines(extended.stdout)
    assert len(after) == 8 * 4
    assert all(result in after for result in before)


def test_after_ctrl_c_the_same_command_goes_on(here: Run, start: Start, place: Home) -> None:
    process = start(*LONG)
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    rest, told = process.communicate(timeout=60)
    assert process.returncode == 130
    experiment_id = json.loads(first)["experiment"]
    assert f"python -m app experiment --resume {experiment_id}" in told
    before = lines(first + rest)
    assert 0 < len(before) < 12
    kept = api.results(experiment_id, place.root)
    assert len(before) <= len(kept) < 12

    resumed = here(*LONG)
    assert resumed.returncode == 0, resumed.stderr
    after = lines(resumed.stdout)
    assert sorted(result["index"] for result in after) == list(range(12))
    assert all(result in after for result in kept)


def test_what_a_killed_terminal_left_is_taken_up_by_its_id(here: Run, start: Start) -> None:
    process = start(*LONG)
    experiment_id = json.loads(process.stdout.readline())["experiment"]
    process.kill()
    process.wait()
    resumed = here("experiment", "--resume", experiment_id, "--threads", "1", "--json")
    assert resumed.returncode == 0, resumed.stderr
    assert len(lines(resumed.stdout)) == 12


def test_an_experiment_that_runs_elsewhere_is_not_run_twice(here: Run, start: Start) -> None:
    process = start(*ENDLESS)
    experiment_id = json.loads(process.stdout.readline())["experiment"]
    refused = here("experiment", "--resume", experiment_id, "--threads", "1")
    assert refused.returncode == 2
    assert "is running already" in refused.stderr


def test_a_search_tells_its_result_and_saves_the_pair(run: Run, here: Run, place: Home) -> None:
    search = ("search", "--generator", "tiny", "--classifier", "tiny-fair", "--label", "ring")
    folder = place.root / "pair"
    told = run(*search, "--seed", "1", "--schedule", "imagenet", "--save", str(folder))
    assert told.returncode == 0, told.stderr
    assert "tiny-fair is fooled: magnitude" in told.stdout
    [result] = lines(here(*search, "--seed", "1", "--schedule", "imagenet", "--json").stdout)
    assert result.keys() >= PROMISED
    assert (result["label"], result["target"], result["subset"]) == (2, None, "all")
    for name, sha256 in (("source", result["source"]), ("perturbed", result["stimulus"])):
        assert (folder / f"{name}.png").read_bytes() == image_file(place, sha256).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "choices"),
    [
        (("search", "--generator", "tiny", "--label", "rng"), "bar, dot, ring, wave"),
        (("search", "--generator", "big", "--label", "0"), "mnist-conv, biggan-deep-128"),
        (("experiment", "--generator", "tiny", "--subsets", "middle"), "all, first, last"),
        (("experiment", "--generator", "tiny", "--weights", "z"), "z=0.5"),
        (
            (
                *("search", "--generator", "tiny", "--classifier", "tiny-fair"),
                *("--label", "bar", "--device", "abacus"),
            ),
            "There is no device “abacus” on this machine; choose from cpu",
        ),
        (("experiment", "--resume", "nothing"), "There is no experiment “nothing”"),
        (("experiment", "--resume", "nothing", "--seed", "1"), "leave out --seed"),
        (("experiment", "run"), "Name the TOML file: python -m app experiment run FILE."),
        (("experiment", "run", "nowhere.toml"), "nowhere.toml cannot be read"),
        (
            ("experiment", "run", "x.toml", "--trials", "3"),
            "change it there, and leave out --trials",
        ),
        (("results",), "python -m app experiment"),
        (("verify",), "run a search or an experiment first"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence_without_a_traceback(
    place: Home, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], choices: str
) -> None:
    assert main([*arguments, "--home", str(place.root)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert choices in told.err
    assert len(told.err.strip().splitlines()) == 1


def test_results_are_a_table_and_curves_as_csv(run: Run, here: Run) -> None:
    assert here(*EXPERIMENT).returncode == 0
    table = run("results").stdout.splitlines()
    assert table[0].split()[:2] == ["classifier", "subset"]
    assert [row.split()[:2] for row in table[1:5]] == [
        ["tiny-fair", "first"],
        ["tiny-stubborn", "first"],
        ["tiny-fair", "last"],
        ["tiny-stubborn", "last"],
    ]
    curves = here("results", "--curves", "--csv").stdout.splitlines()
    assert "magnitude" in curves[0].split(",") and len(curves) > 4
    assert here(*EXPERIMENT, "--random-directions", "1").returncode == 0
    trials = list(csv.DictReader(here("results", "--trials").stdout.splitlines()))
    assert len(trials) == 6 * 8
    for row in trials:
        assert bool(row["ssim"]) == bool(row["pixel_l2"]) == bool(row["magnitude"])
        assert (row["role"] == "search") >= (row["outcome"] == "found")
    assert {"changed", "unchanged"} & {row["outcome"] for row in trials}
    judged = here("results", "--estimand", "as-published", "--curves")
    assert judged.returncode == 2
    assert "without judgements" in judged.stderr


def test_verify_passes_what_is_sound_and_reports_what_differs(
    run: Run, here: Run, place: Home
) -> None:
    results = lines(here(*EXPERIMENT, "--json").stdout)
    sound = run("verify", "--all")
    assert (sound.returncode, sound.stdout) == (0, "")
    assert "24 of 24 results checked: nothing differs." in sound.stderr

    found = [result for result in results if result["outcome"] == "found"]
    damaged, swapped = found[0], found[1]
    image_file(place, str(damaged["stimulus"])).write_bytes(b"no picture")
    database = open_database(place)
    database.execute(
        "UPDATE results SET stimulus = (SELECT stimulus FROM sources WHERE id = source_id)"
        " WHERE stimulus = ?",
        [swapped["stimulus"]],
    )
    database.execute("UPDATE sources SET seed = seed + 1 WHERE stimulus = ?", [found[2]["source"]])
    told = here("verify", "--all", "--json")
    assert told.returncode == 1
    differences = {(one["kind"], one["index"]) for one in lines(told.stdout)}
    assert ("image", damaged["index"]) in differences
    assert ("prediction", swapped["index"]) in differences
    assert ("source", found[2]["index"]) in differences


def test_the_reference_has_every_command_and_option() -> None:
    written = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert written == reference(), "Run: python -m app.commands.reference > docs/commands.md"
    for name, one in COMMANDS.items():
        assert f"## {name}" in written
        own = argparse.ArgumentParser()
        one.add_arguments(own)
        for action in own._actions:
            assert action.help, f"{name} {action.dest} has no help"


def test_serve_prints_the_address_once_it_answers_and_ends_with_everything(
    start: Start, place: Home
) -> None:
    process = start("serve")
    told = process.stdout.readline()
    address = told.split()[-1]
    assert address.startswith("http://127.0.0.1:")
    with urllib.request.urlopen(f"{address}/_stcore/health", timeout=10) as answer:
        assert answer.status == 200
    until(lambda: worker_alive(place, "cpu"))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert not worker_alive(place, "cpu")
    with pytest.raises(OSError):
        urllib.request.urlopen(f"{address}/_stcore/health", timeout=10)
