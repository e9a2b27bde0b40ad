"""The configuration of HAProxy, as render.sh makes it of values."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from bridge.config.settings import Settings

RENDER = Path(__file__).parents[3] / "deploy" / "haproxy" / "render.sh"
INSTANCES = "a=10.0.0.1:8080 b=10.0.0.2:8081"


def render(out: Path, **values: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], **values}
    return subprocess.run(
        [RENDER, out], env=environment, capture_output=True, text=True, check=False
    )


def test_each_instance_is_asked_whether_it_is_ready_and_whether_it_runs(tmp_path: Path) -> None:
    out = tmp_path / "haproxy.cfg"
    assert render(out, BALANCER_INSTANCES=INSTANCES, BALANCER_ADDRESS="*:80").returncode == 0
    text = out.read_text()
    assert "bind *:80\n" in text
    assert "@" not in text
    ready, running = text.partition("\nbackend ready")[2].split("\nbackend running")
    for backend, path in ((ready, "/health/ready"), (running, "/health/live")):
        assert f"uri {path}\n" in backend
        assert "server a 10.0.0.1:8080\n    server b 10.0.0.2:8081\n" in backend


def test_one_that_stops_is_out_well_before_it_takes_no_more_connections(tmp_path: Path) -> None:
    out = tmp_path / "haproxy.cfg"
    render(out, BALANCER_INSTANCES=INSTANCES)
    checks = re.findall(r"check inter (\d+)s fastinter (\d+)ms fall (\d+)", out.read_text())
    assert checks
    for inter_s, fast_ms, fall in checks:
        noticed_s = int(inter_s) + (int(fall) - 1) * int(fast_ms) / 1000
        assert noticed_s <= Settings.model_fields["stop_notice_s"].default / 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"BALANCER_INSTANCES": ""},
        {"BALANCER_INSTANCES": 'a=1:"x"'},
        {"BALANCER_ADDRESS": "*:80\nstats"},
        {"BALANCER_CONNECTIONS_MAX": "-1"},
    ],
)
def test_a_value_that_could_change_the_configuration_is_refused(
    wrong: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "haproxy.cfg"
    done = render(out, **{"BALANCER_INSTANCES": INSTANCES, **wrong})
    assert done.returncode != 0
    assert next(iter(wrong)) in done.stderr
    assert not out.exists()
