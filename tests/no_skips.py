"""A plugin, `pytest -p tests.no_skips`: a test that is skipped has failed.

For runs whose whole point is what other machines skip.
"""

from __future__ import annotations

from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Says of a skipped test that it failed."""
    report = yield
    if report.skipped:
        report.outcome, report.longrepr = "failed", f"Skipped: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Says the same of a file that skips itself."""
    report = yield
    if report.skipped:
        report.outcome, report.longrepr = "failed", f"Skipped: {report.longrepr}"
    return report
