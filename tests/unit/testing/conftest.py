"""A project of somebody else, which has pytest and the kit and no other plugin."""

from __future__ import annotations

import pytest


@pytest.fixture
def outside(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Its ini file is that of docs/test-kit.md."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "bridge.testing.plugin,pytest_asyncio.plugin")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makefile(
        ".ini",
        pytest="[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n",
    )
    return pytester
