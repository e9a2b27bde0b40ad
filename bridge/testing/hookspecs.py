"""The hooks that the plugin calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from bridge.testing.journal import Journal


def pytest_uapi_failed(item: pytest.Item, report: pytest.TestReport, journal: Journal) -> None:
    """A test with a fixture of the kit has failed; its phones still run.

    `report.sections` may get a pair of title and text, `report.extras` what pytest-html shows.
    """
