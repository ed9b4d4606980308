"""`python -m app clean`: shows, and frees."""

from __future__ import annotations

import json
import os

import pytest
from sqlite_utils import Database

from app.__main__ import main
from data.home import Home
from data.images import image_file, store_image
from tests.data.rows import pixels


def app(place: Home, *arguments: str) -> int:
    return main(["clean", *arguments, "--home", str(place.root)])


def test_it_is_shown_and_then_freed(
    place: Home, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app(place) == 0
    assert capsys.readouterr().err == "Nothing is unreferenced.\n"
    file = image_file(place, store_image(place, pixels(1)))
    os.utime(file, (0, 0))
    assert app(place, "--dry-run", "--files") == 0
    told = capsys.readouterr()
    assert str(file) in told.out
    assert "would be freed: run it without --dry-run" in told.err
    assert file.exists()
    assert app(place, "--json") == 0
    kinds = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sum(kind["files"] for kind in kinds) == 1
    assert not file.exists()
