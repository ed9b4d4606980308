"""What attempts on a served app share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.served.world import World, served_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A served app of this file's own."""
    with served_world(tmp_path_factory.mktemp("served")) as made:
        yield made
