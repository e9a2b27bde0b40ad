"""The unit of docs/operating.md: it restarts for ever, and keeps to what it needs."""

from __future__ import annotations

import re
from pathlib import Path

from bridge.config.settings import Settings

DOCUMENT = Path(__file__).parents[3] / "docs" / "operating.md"


def unit() -> dict[str, list[tuple[str, str]]]:
    """The lines of each section; a name may occur twice."""
    [text] = re.findall(r"```ini\n(\[Unit\].*?)```", DOCUMENT.read_text(), re.DOTALL)
    sections: dict[str, list[tuple[str, str]]] = {}
    lines: list[tuple[str, str]] = []
    for line in text.splitlines():
        if heading := re.fullmatch(r"\[(\w+)\]", line):
            lines = sections.setdefault(heading[1], [])
        elif line and not line.startswith("#"):
            name, _, value = line.partition("=")
            lines.append((name, value))
    return sections


def variables() -> list[str]:
    """What the unit sets in the environment of the service, as `NAME=value`."""
    lines = unit()["Service"]
    return [x for name, value in lines if name == "Environment" for x in value.split()]


def test_a_failed_start_is_repeated_for_ever() -> None:
    sections = unit()
    assert dict(sections["Unit"])["StartLimitIntervalSec"] == "0", "systemd reads it there only"
    service = dict(sections["Service"])
    assert (service["Restart"], service["RestartSec"]) == ("on-failure", "5")


def test_it_runs_as_a_user_of_its_own_who_may_write_its_state_only() -> None:
    service = dict(unit()["Service"])
    assert service["User"] == "uapi-bridge"
    assert service["ProtectSystem"] == "strict"
    assert f"BRIDGE_STATE_DIR=/var/lib/{service['StateDirectory']}" in variables()


def test_its_variables_are_settings() -> None:
    names = {x.partition("=")[0].removeprefix("BRIDGE_").lower() for x in variables()}
    assert "state_dir" in names
    assert names <= set(Settings.model_fields)
