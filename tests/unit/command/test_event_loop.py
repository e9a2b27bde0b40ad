"""The event loop of the service."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
import uvloop

from bridge.command.commands import serve
from bridge.command.event_loop import event_loop_factory


def test_given_uvloop_is_installed_then_it_is_used_unless_asyncio_is_chosen() -> None:
    assert event_loop_factory() is uvloop.new_event_loop
    assert event_loop_factory("uvloop") is uvloop.new_event_loop
    assert event_loop_factory("asyncio") is asyncio.new_event_loop


def test_given_no_uvloop_then_it_is_the_loop_of_asyncio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert event_loop_factory() is asyncio.new_event_loop


def test_given_no_uvloop_when_it_is_chosen_then_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    monkeypatch.setenv("BRIDGE_EVENT_LOOP", "uvloop")
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path))
    monkeypatch.setattr("bridge.command.commands.set_up_logging", lambda _: None)
    assert "uapi-bridge[fast]" in str(serve())
