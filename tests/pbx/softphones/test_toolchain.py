"""What happens when baresip, sipp or sox is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bridge.testing.softphones import toolchain
from bridge.testing.softphones.toolchain import PhoneToolsMissingError, ensure_phone_tools


def programs_found(monkeypatch: pytest.MonkeyPatch, *names: str) -> list[str]:
    """Pretend that only these are on PATH; the list may grow."""
    found = list(names)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}" if name in found else None)
    return found


def test_nothing_is_done_when_all_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    programs_found(monkeypatch, "baresip", "sipp", "sox")
    monkeypatch.setattr(toolchain, "install", lambda programs: pytest.fail("installs"))
    ensure_phone_tools()


def test_without_root_the_packages_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    programs_found(monkeypatch, "sox", "apt-get")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(PhoneToolsMissingError, match="apt-get install baresip-core sip-tester"):
        ensure_phone_tools()


def test_root_installs_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    found = programs_found(monkeypatch, "sox", "baresip", "apt-get")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    ran: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        if "install" in command:
            found.append("sipp")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    ensure_phone_tools()
    assert ran[0][-1] == "update"
    assert ran[1][-3:] == ["install", "--no-install-recommends", "sip-tester"]


def test_failed_installation_shows_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    programs_found(monkeypatch, "apt-get")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(
        subprocess,
        "run",
        lambda command, **_: subprocess.CompletedProcess(command, 100, "", "E: no network"),
    )
    with pytest.raises(PhoneToolsMissingError, match="E: no network"):
        ensure_phone_tools()
