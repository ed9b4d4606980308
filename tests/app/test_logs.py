"""Logs stay small, say where they are, and keep what Streamlit itself refuses."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.logs import KEPT_FILES, LARGEST_BYTES, STREAMLITS, start_logging


@contextmanager
def logging_to(folder: Path) -> Iterator[Path]:
    """A log of the test's own, which other tests' records do not go to afterwards."""
    before = {name: list(logging.getLogger(name).handlers) for name in (None, *STREAMLITS)}
    try:
        yield start_logging(folder, "app")
    finally:
        for name, handlers in before.items():
            for handler in set(logging.getLogger(name).handlers) - set(handlers):
                logging.getLogger(name).removeHandler(handler)
                handler.close()
        start_logging.cache_clear()


def test_a_log_begins_anew_and_old_ones_go(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with logging_to(tmp_path / "logs") as file:
        assert f"Log: {file}" in capsys.readouterr().out
        for number in range(KEPT_FILES + 3):
            logging.getLogger("app.gate").warning("%d %s", number, "x" * LARGEST_BYTES)
    kept = sorted(tmp_path.glob("logs/app.log*"))
    assert len(kept) == KEPT_FILES + 1
    assert all(one.stat().st_size <= LARGEST_BYTES + 200 for one in kept)
    assert f" {KEPT_FILES + 2} xxx" in file.read_text()


@pytest.mark.parametrize("name", STREAMLITS)
def test_what_streamlit_refuses_is_in_the_log(tmp_path: Path, name: str) -> None:
    """Those loggers exist under these names, and do not hand on to the root."""
    from streamlit.logger import get_logger

    with logging_to(tmp_path / "logs") as file:
        get_logger(name).warning("refused by %s", name)
    assert file.read_text().count(f"refused by {name}") == 1
