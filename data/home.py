"""The home folder of everything written at run time, and the version of the code that writes it."""

from __future__ import annotations

import os
import subprocess
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent


class HomeError(RuntimeError):
    """The home folder cannot be used; the message is one sentence for the user."""


@dataclass(frozen=True)
class Home:
    """Where run-time files live. Each folder is created on first use.

    Raises HomeError, from any folder, when it cannot be created.
    """

    root: Path

    @property
    def database(self) -> Path:
        """The SQLite file; its folder exists, the file may not yet."""
        return self._folder() / "plainview.sqlite"

    @property
    def images(self) -> Path:
        """Stimuli, as content-addressed PNG files."""
        return self._folder("images")

    @property
    def tensors(self) -> Path:
        """Perturbation tensors, under a quota."""
        return self._folder("tensors")

    @property
    def runs(self) -> Path:
        """The newest frame and curve of each running job."""
        return self._folder("runs")

    @property
    def logs(self) -> Path:
        """Log files of the app and its workers."""
        return self._folder("logs")

    @property
    def models(self) -> Path:
        """The user's own catalogue entries."""
        return self._folder("models")

    @property
    def weights(self) -> Path:
        """Downloaded and imported weights."""
        return self._folder("weights")

    @property
    def caches(self) -> Path:
        """What can be computed again, such as σ of a generator."""
        return self._folder("caches")

    @property
    def keys(self) -> Path:
        """Secrets of this home, which only its owner may read: keys, and how people sign in."""
        folder = self._folder("keys")
        if folder.stat().st_mode & 0o077:
            folder.chmod(0o700)
        return folder

    def _folder(self, name: str = "") -> Path:
        folder = self.root / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HomeError(
                f"The folder {folder} cannot be created ({error.strerror}); "
                "set PLAINVIEW_HOME to a folder that you may write to."
            ) from error
        return folder


def home(path: str | Path | None = None) -> Home:
    """The home: `path`, else PLAINVIEW_HOME in the environment, else `var` in the checkout."""
    chosen = path or os.environ.get("PLAINVIEW_HOME") or CHECKOUT / "var"
    return Home(Path(chosen).expanduser().resolve())


def bundled() -> Path:
    """The folder of weights and model cards that ship with the code."""
    return CHECKOUT / "data" / "bundled"


@cache
def code_version() -> str:
    """The version of the code, with the git commit when in a checkout.

    Such as "0.1.0+abc1234", and "0.1.0+abc1234-dirty" when tracked files differ from the commit.
    Read once a process, since that is the code which the process runs.
    """
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    version = project["project"]["version"]
    commit = _git("rev-parse", "--short=7", "HEAD")
    if not commit:
        return version
    dirty = "-dirty" if _git("status", "--porcelain", "--untracked-files=no") else ""
    return f"{version}+{commit}{dirty}"


def _git(*arguments: str) -> str:
    """What git prints in the checkout; empty where there is no git or no repository."""
    try:
        answer = subprocess.run(
            ("git", "-C", str(CHECKOUT), *arguments), capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
