"""deploy/: the alert rules and the dashboard are what promtool and the declared metrics say."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from bridge.metrics.declared import Metrics
from bridge.testing.softphones.toolchain import ensure_programs
from tests.integration.monitoring import dashboard

PROMETHEUS = Path(__file__).parents[3] / "deploy" / "prometheus"
RULES, TESTS = PROMETHEUS / "uapi-bridge.rules.yml", PROMETHEUS / "uapi-bridge.tests.yml"
OF_OURS = re.compile(r"\buapi_\w+|\bprocess_\w+")


@pytest.fixture(scope="module", autouse=True)
def _promtool() -> None:
    ensure_programs({"promtool": "prometheus"})


def promtool(*arguments: str, text: str = "") -> str:
    done = subprocess.run(
        ["promtool", *arguments], input=text, capture_output=True, text=True, cwd=PROMETHEUS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def alerts() -> list[dict[str, str]]:
    [group] = yaml.safe_load(RULES.read_text())["groups"]
    rules: list[dict[str, str]] = group["rules"]
    return rules


def names_of(texts: Iterable[str]) -> set[str]:
    return {name for text in texts for name in OF_OURS.findall(text)}


def exposed() -> set[str]:
    """Every name that a scrape can have; a metric with labels has none before it is counted."""
    found = set()
    for metric in Metrics().registry.collect():
        found |= {metric.name, f"{metric.name}_total", f"{metric.name}_bucket"}
    return found


def test_every_alert_fires_and_none_too_early() -> None:
    promtool("check", "rules", RULES.name)
    promtool("test", "rules", TESTS.name)
    tested = {
        x["alertname"]
        for test in yaml.safe_load(TESTS.read_text())["tests"]
        for x in test["alert_rule_test"]
        if x["exp_alerts"]
    }
    assert tested == {x["alert"] for x in alerts()}


def test_every_name_in_an_alert_or_a_panel_is_a_metric() -> None:
    asked = names_of([*(x["expr"] for x in alerts()), *dashboard.expressions()])
    assert asked - exposed() == set()


def test_every_metric_is_on_the_dashboard() -> None:
    shown = names_of(dashboard.expressions())
    ours = {x.name for x in Metrics().registry.collect() if x.name.startswith("uapi_")}
    on_it = {re.sub(r"_(total|bucket)$", "", x) for x in shown}
    assert ours - on_it == {"uapi_calls_begun"}  # those that ended say more


def test_the_dashboard_is_current_and_its_expressions_parse(tmp_path: Path) -> None:
    assert dashboard.FILE.read_text() == dashboard.dashboard()
    rules = [{"record": f"panel:{n}", "expr": x} for n, x in enumerate(dashboard.expressions())]
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    promtool("check", "rules", str(file))


def test_the_text_of_the_metrics_is_as_prometheus_wants_it() -> None:
    from prometheus_client import generate_latest

    promtool("check", "metrics", text=generate_latest(Metrics().registry).decode())
