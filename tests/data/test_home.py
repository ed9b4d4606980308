"""Where files live, and what the code calls itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import data.home
from data.home import CHECKOUT, Home, HomeError, bundled, code_version, home

FOLDERS = ("images", "tensors", "runs", "logs", "models", "weights", "caches")


def test_home_is_the_argument_then_the_environment_then_var(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAINVIEW_HOME", str(tmp_path / "set"))
    assert home(tmp_path / "given").root == tmp_path / "given"
    assert home().root == tmp_path / "set"
    monkeypatch.setenv("PLAINVIEW_HOME", "")
    assert home().root == CHECKOUT / "var"


def test_folders_appear_on_first_use_and_not_before(tmp_path: Path) -> None:
    place = Home(tmp_path / "deep" / "home")
    assert not place.root.exists()
    for name in FOLDERS:
        assert getattr(place, name) == place.root / name
    assert {folder.name for folder in place.root.iterdir()} == set(FOLDERS)
    assert place.database == place.root / "plainview.sqlite"


def test_a_home_that_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeError, match=r"file/home.* cannot be created .* PLAINVIEW_HOME"):
        _ = Home(tmp_path / "file" / "home").database


def test_bundled_is_among_the_code() -> None:
    assert bundled() == CHECKOUT / "data" / "bundled"


def test_the_code_version_names_the_commit_and_whether_files_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    monkeypatch.setattr(data.home, "CHECKOUT", tmp_path)
    version = code_version.__wrapped__
    assert version() == "1.2.3"

    def git(*arguments: str) -> str:
        who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        command = ("git", *who, "-C", str(tmp_path), *arguments)
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "--quiet")
    git("add", "pyproject.toml")
    git("commit", "--quiet", "--message", "one")
    commit = git("rev-parse", "--short=7", "HEAD")
    (tmp_path / "untracked").write_text("")
    assert version() == f"1.2.3+{commit}"
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.4"\n')
    assert version() == f"1.2.4+{commit}-dirty"
