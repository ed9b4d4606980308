"""Full counts of what `make test` does a tenth of: `make soak` alone runs them."""

from __future__ import annotations

from pathlib import Path

import pytest

# One browser for the whole session: Playwright starts no second one.
from tests.browser.conftest import (  # noqa: F401
    app,
    browser,
    complaints,
    context,
    page,
    visit,
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is a soak test."""
    folder = Path(__file__).parent
    for item in items:
        if folder in item.path.parents:
            item.add_marker(pytest.mark.soak)
