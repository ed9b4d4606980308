"""`python -m app map`: what a terminal can do with maps, and what it is told when it cannot."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from app.__main__ import main
from engine.catalogue import catalogue

TESTS = Path(__file__).parents[2]
SQUEEZENET = TESTS.parents[1] / "shared/data/models/squeezenet1_1_imagenet_fp16.safetensors"
MUG = TESTS.parent / "data" / "bundled" / "meshes" / "mug.ply"


def told(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict]:
    """What the command prints as JSON Lines."""
    capsys.readouterr()
    assert main(["map", *words, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_map_is_computed_grown_on_written_and_taken_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here, there = (("--home", str(tmp_path / name)) for name in ("here", "there"))
    asked = ("transform", "--label", "seven", "--seed", "4", "--changes", "rotation")
    [made] = told(capsys, *asked, "--points", "19", "--threads", "1", *here)
    assert (made["state"], made["measured"], made["points"]) == ("complete", 19, 19)
    names = [one["name"] for one in made["description"]["classifiers"]]
    assert {"mnist-standard", "mnist-robust"} <= set(names)
    grown = told(capsys, "regions", made["map"], "--start", "0", *here)
    assert [(one["classifier"], one["kind"]) for one in grown] == [
        (name, kind) for name in names for kind in ("robust", "adversarial")
    ]
    assert all(one["lower"][0] <= 0 <= one["upper"][0] for one in grown)
    assert all(one["mean_error"] >= 0 and one["variance_error"] >= 0 for one in grown)
    ratios = told(capsys, "srvr", made["map"], "--starts", "3", "--steps", "50", *here)
    overall = {one["classifier"]: one for one in ratios if one["label"] is None}
    assert set(overall) == set(names)
    for one in overall.values():
        # The paper's average of its three methods, from three starts.
        assert (one["method"], one["steps"], one["maps"], one["regions"]) == ("average", 50, 1, 9)
        assert 0 <= one["low"] <= one["srvr"] <= one["high"] <= 1 and 0 <= one["feasible"] <= 1
    # What is known of their accuracy stands beside, as on the page.
    known = {name: entry.provenance.accuracy for name, entry in catalogue().classifiers.items()}
    assert known["mnist-standard"] and {one["accuracy"] for one in overall.values()} == {
        known[name] for name in names
    }
    [alone] = [
        one
        for one in told(capsys, "srvr", made["map"], "--method", "naive", "--start", "0", *here)
        if one["label"] is None and one["classifier"] == names[0]
    ]
    [region, *_] = told(capsys, "regions", made["map"], "--method", "naive", "--start", "0", *here)
    assert (alone["regions"], alone["srvr"]) == (1, region["volume_share"])
    for action, words, sentence in (
        ("srvr", ("--start", "0", "0"), "as many numbers as they have axes: 1"),
        ("regions", ("--start", "0", "0"), "a row a start with 1 numbers"),
        ("srvr", ("--starts", "-2"), "give 1 or more"),
        ("regions", ("--starts", "-2"), "give 1 or more"),
    ):
        assert main(["map", action, made["map"], *words, *here]) == 2
        assert sentence in capsys.readouterr().err
    file = tmp_path / "map.npz"
    assert main(["map", "export", made["map"], str(file), *here]) == 0
    [taken] = told(capsys, "import", str(file), *there)
    assert (taken["origin"], taken["sha256"]) == ("imported", made["sha256"])
    assert [one["map"] for one in told(capsys, "list", *there)] == [taken["map"]]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["transform"], "--label"),
        (["transform", "--label", "elephant"], "no label “elephant”"),
        (["transform", "--label", "seven", "--changes", "melt"], "There is no change “melt”"),
        (["plane"], "--found N"),
        (["plane", "--found", "7"], "No search found perturbation 7"),
        (["regions", "nothing"], "There is no map nothing"),
        (["regions"], "map regions ID"),
        (["srvr"], "map srvr ID"),
        (["srvr", "nothing"], "There is no map nothing"),
        (["export", "one"], "map export ID FILE"),
        (["import", "/nowhere.npz"], "cannot be read"),
        (["transform", "--photo", "x.png", "--label", "0"], "models add torchvision:squeezenet1_1"),
        (["view", "mug.ply", "--label", "0"], "models add torchvision:squeezenet1_1"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["map", *words, "--home", str(tmp_path)]) == 2
    said = capsys.readouterr().err.strip()
    assert sentence in said and "Traceback" not in said


@pytest.mark.skipif(not SQUEEZENET.exists(), reason="the weights lie in ../shared, which is absent")
def test_views_are_scored_by_those_who_see_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = ("--home", str(tmp_path))
    assert main(["models", "list", *here]) == 0  # makes the home
    shutil.copy(TESTS / "engine" / "user_models" / "squeezenet.py", tmp_path / "models")
    assert main(["models", "import", "squeezenet", str(SQUEEZENET), *here]) == 0
    asked = ("view", str(MUG), "--points", "3", "--threads", "1", *here)
    [made] = told(capsys, *asked, "--label", "coffee mug")
    assert [one["name"] for one in made["description"]["classifiers"]] == ["squeezenet"]
    assert (made["description"]["label"], made["measured"]) == (504, 9)
    for words, sentence in {
        ("--label", "seven"): "There is no label “seven”",
        ("--label", "504", "--classifiers", "mnist-standard"): "choose of squeezenet",
        ("--label", "504", "--classifiers", "resnet50"): "choose of squeezenet",
    }.items():
        assert main(["map", *asked, *words]) == 2
        assert sentence in capsys.readouterr().err
    assert main(["map", "view", "picture.ply", "--label", "504", *here]) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert main(["map", "transform", "--photo", __file__, "--label", "504", *here]) == 2
    assert "test_map.py cannot be read as a picture" in capsys.readouterr().err
