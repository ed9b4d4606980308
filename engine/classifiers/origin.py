"""Where a model's weights are published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor


@dataclass(frozen=True)
class Origin:
    """Where the weights are published: addresses of one file, or a file on this machine.

    `sha256` is the file's, or as many of its first digits as its makers print; without it, what
    came first is recorded in the card, and compared ever after. `adapt` turns the published
    weights into the architecture's layout.
    """

    urls: tuple[str, ...] = ()
    file: Path | None = None
    sha256: str | None = None
    adapt: Callable[[dict[str, Tensor]], dict[str, Tensor]] | None = None
