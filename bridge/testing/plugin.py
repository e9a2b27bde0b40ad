"""The pytest plugin of `uapi-bridge[testing]`: docs/test-kit.md.

It does nothing until a test asks for one of its fixtures, and loads nothing before: neither the
service nor its libraries. pytest finds it by the entry point `pytest11`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from bridge.testing import hookspecs
from bridge.testing.flows import pytest_files
from bridge.testing.options import add_options
from bridge.testing.report import pytest_report

if TYPE_CHECKING:
    from bridge.testing.journal import Journal

MARKER = "uapi: a test of calls; it has one of the fixtures uapi_…"
JOURNAL: pytest.StashKey[Journal] = pytest.StashKey()
"""In the stash of an item: the Journal of a test that has a fixture of the kit."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the kit."""
    add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """The hook that a report of failures implements."""
    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    """Offer the fixtures; without pytest-asyncio they only say that it is missing."""
    config.addinivalue_line("markers", MARKER)
    missing = importlib.util.find_spec("pytest_asyncio") is None
    name = "missing_fixtures" if missing else "fixtures"
    module = importlib.import_module(f"bridge.testing.{name}")
    config.pluginmanager.register(module, "uapi-bridge-fixtures")
    config.pluginmanager.register(pytest_files, "uapi-bridge-flows")
    config.pluginmanager.register(pytest_report, "uapi-bridge-report")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of calls, so that `-m uapi` and `-m "not uapi"` choose."""
    for item in items:
        if any(x.startswith("uapi_") for x in getattr(item, "fixturenames", ())):
            item.add_marker("uapi")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell the hook of a failure while the phones of the test still run."""
    report = yield
    journal = item.stash.get(JOURNAL, None)
    if journal is not None and report.failed and report.when == "call":
        if call.excinfo is not None:
            _note_raised(journal, call.excinfo.value)
        item.config.hook.pytest_uapi_failed(item=item, report=report, journal=journal)
    return report


def _note_raised(journal: Journal, why: BaseException) -> None:
    """The exception of a test is its failed step, unless an expectation has noted one already."""
    steps = [x for x in journal.observations() if x.source == "test"]
    if not steps or steps[-1].kind != "failed":
        journal.step(type(why).__name__, kind="failed", detail=str(why))
