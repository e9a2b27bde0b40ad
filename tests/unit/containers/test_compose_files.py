"""The limits that compose.cluster.yml sets, beside those of the programs in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
SPARE_FILES = 1_000
"""For sockets between its processes, the database, logs."""


def services(file: str) -> dict[str, Any]:
    found = yaml.safe_load((ROOT / file).read_text())["services"]
    assert isinstance(found, dict)
    return found


def default_of(text: str) -> int:
    """Of `${NAME:-12}`, or `${NAME:=12}` in a script."""
    [number] = re.findall(r"\$\{\w+:[-=](\d+)\}", text)
    return int(number)


def connections(service: str, variable: str, script: str) -> int:
    """As compose.cluster.yml says, else the default of the script of its configuration."""
    given = services("compose.cluster.yml")[service]["environment"].get(variable)
    if given is not None:
        return int(given)
    [found] = re.findall(rf"\$\{{{variable}:=\d+\}}", (ROOT / script).read_text())
    return default_of(found)


def files(service: str) -> int:
    return default_of(services("compose.cluster.yml")[service]["ulimits"]["nofile"])


def test_the_edge_may_open_a_file_for_each_of_its_connections() -> None:
    most = connections("edge", "EDGE_TCP_CONNECTIONS_MAX", "deploy/edge/render.sh")
    assert files("edge") >= most + SPARE_FILES


def test_haproxy_may_open_two_files_for_each_of_its_connections() -> None:
    most = connections("haproxy", "BALANCER_CONNECTIONS_MAX", "deploy/haproxy/render.sh")
    assert files("haproxy") >= 2 * most + SPARE_FILES


@pytest.mark.parametrize("file", ["docker-compose.yml", "compose.cluster.yml"])
def test_one_variable_lowers_the_limit_of_each_service(file: str) -> None:
    limits = {x: one["ulimits"]["nofile"] for x, one in services(file).items()}
    assert limits
    assert {x for x, y in limits.items() if not y.startswith("${BRIDGE_COMPOSE_NOFILE:-")} == set()
