"""Writes deploy/grafana/uapi-bridge.json from the rows below: `python -m <this module>`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[3] / "deploy" / "grafana" / "uapi-bridge.json"

_WIDTH, _PANEL_WIDTH, _HEIGHT = 24, 8, 8
_ON = '{instance=~"$instance"}'
_CREATES = (
    'sum by (route, status) (rate(uapi_http_requests_total{instance=~"$instance", method="POST",'
    ' route=~".*/(simple|callback|conferenceInvite)"}[$__rate_interval]))'
)
_ALL_QUANTILES = (0.5, 0.95, 0.99)


def _rate(name: str, by: str) -> dict[str, str]:
    text = f"sum by ({by}) (rate({name}{_ON}[$__rate_interval]))"
    return {text: " ".join(f"{{{{{x.strip()}}}}}" for x in by.split(","))}


def _quantiles(name: str) -> dict[str, str]:
    rates = f"sum by (le) (rate({name}_bucket{_ON}[$__rate_interval]))"
    return {f"histogram_quantile({x}, {rates})": f"p{x * 100:g}" for x in _ALL_QUANTILES}


def _value(name: str, shown: str) -> dict[str, str]:
    return {f"{name}{_ON}": shown}


ROWS: dict[str, list[tuple[str, str, dict[str, str]]]] = {
    "Calls": [
        ("Live calls by state", "short", _value("uapi_calls_live", "{{state}}")),
        (
            "Creates by answer",
            "reqps",
            {_CREATES: "{{route}} {{status}}"},
        ),
        ("Calls ended by disposition", "ops", _rate("uapi_calls_ended_total", "disposition")),
        ("Hangup causes", "ops", _rate("uapi_hangup_causes_total", "cause")),
        ("Who ended the calls", "ops", _rate("uapi_calls_ended_total", "ended_by")),
        ("From the create to the first channel", "s", _quantiles("uapi_first_dial_seconds")),
        ("How long phones ring", "s", _quantiles("uapi_ringing_seconds")),
        ("How long people talk", "s", _quantiles("uapi_talk_seconds")),
        ("Open streams of calls", "short", _value("uapi_call_streams", "{{instance}}")),
    ],
    "Asterisk": [
        ("AMI link (1: up)", "short", _value("uapi_ami_link_up", "{{instance}}")),
        ("Lag of events", "s", _quantiles("uapi_pbx_event_lag_seconds")),
        ("Events that wait", "short", _value("uapi_pbx_events_waiting", "{{instance}}")),
        (
            "Phones",
            "short",
            {
                **_value("uapi_phones_reachable", "can ring"),
                **_value("uapi_phones_not_made", "not on Asterisk"),
            },
        ),
    ],
    "Events to receivers": [
        ("Attempts by answer", "ops", _rate("uapi_event_attempts_total", "answer")),
        ("Time of an attempt", "s", _quantiles("uapi_event_attempt_seconds")),
        (
            "Oldest undelivered event",
            "s",
            _value("uapi_event_oldest_undelivered_seconds", "{{instance}}"),
        ),
        ("Subscriptions that wait", "short", _value("uapi_event_receivers_behind", "{{instance}}")),
    ],
    "Recordings": [
        ("Calls being recorded", "short", _value("uapi_recordings_running", "{{instance}}")),
        (
            "Parts without audio, in an hour",
            "short",
            {f"sum by (why) (increase(uapi_recordings_failed_total{_ON}[1h]))": "{{why}}"},
        ),
        (
            "Deleted, files still there",
            "short",
            _value("uapi_recordings_waiting_for_removal", "{{instance}}"),
        ),
        ("Recording works (1: yes)", "short", _value("uapi_recordings_up", "{{instance}}")),
    ],
    "Database": [
        ("Database works (1: yes)", "short", _value("uapi_storage_up", "{{instance}}")),
        ("Time of a commit", "s", _quantiles("uapi_commit_seconds")),
        (
            "Groups of writes that wait",
            "short",
            _value("uapi_write_groups_waiting", "{{instance}}"),
        ),
    ],
    "Several instances": [
        (
            "PBXs that an instance acts for",
            "short",
            {
                'uapi_leases_held{instance=~"$instance", kind="pbx"}': "{{instance}}",
                'max(uapi_leases_of_all{kind="pbx"})': "there are",
            },
        ),
        (
            "Shards of webhooks and jobs",
            "short",
            {
                'uapi_leases_held{instance=~"$instance", kind!="pbx"}': "{{instance}} {{kind}}",
            },
        ),
    ],
    "HTTP and process": [
        (
            "Requests by route and status",
            "reqps",
            _rate("uapi_http_requests_total", "route, status"),
        ),
        ("Time of a request", "s", _quantiles("uapi_http_request_seconds")),
        (
            "CPU",
            "percentunit",
            {f"rate(process_cpu_seconds_total{_ON}[$__rate_interval])": "{{instance}}"},
        ),
        ("Memory", "bytes", _value("process_resident_memory_bytes", "{{instance}}")),
        (
            "Open file descriptors",
            "short",
            {
                **_value("process_open_fds", "open"),
                **_value("process_max_fds", "limit"),
            },
        ),
        (
            "Since the AMI link changed",
            "s",
            {f"time() - uapi_ami_link_changed_timestamp_seconds{_ON}": "{{instance}}"},
        ),
    ],
}
"""Title, unit, and each expression with what it is called, of each panel by row."""


def dashboard() -> str:
    """The whole file."""
    panels: list[dict[str, Any]] = []
    y = 0
    for row, described in ROWS.items():
        panels.append(_row(row, y))
        y += 1
        for number, (title, unit, expressions) in enumerate(described):
            across, down = number % (_WIDTH // _PANEL_WIDTH), number // (_WIDTH // _PANEL_WIDTH)
            place = {"x": across * _PANEL_WIDTH, "y": y + down * _HEIGHT}
            panels.append(_panel(title, unit, expressions, place))
        y += -(-len(described) // (_WIDTH // _PANEL_WIDTH)) * _HEIGHT
    whole = {
        "title": "uapi-bridge",
        "uid": "uapi-bridge",
        "description": "Calls, Asterisk, events, recordings, database and HTTP of uapi-bridge.",
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_data_source(), _instance()]},
        "panels": [{"id": number, **x} for number, x in enumerate(panels, 1)],
    }
    return json.dumps(whole, indent=1) + "\n"


def expressions() -> list[str]:
    """Each expression of the dashboard, with its variables replaced as Grafana replaces them."""
    found = [x for row in ROWS.values() for _, _, told in row for x in told]
    return [x.replace("$instance", ".*").replace("$__rate_interval", "1m") for x in found]


def _row(title: str, y: int) -> dict[str, Any]:
    place = {"x": 0, "y": y, "w": _WIDTH, "h": 1}
    return {"type": "row", "title": title, "collapsed": False, "gridPos": place, "panels": []}


def _panel(
    title: str, unit: str, expressions: dict[str, str], place: dict[str, int]
) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${source}"}
    return {
        "type": "timeseries",
        "title": title,
        "datasource": source,
        "gridPos": {**place, "w": _PANEL_WIDTH, "h": _HEIGHT},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}},
        "targets": [
            {"refId": chr(ord("A") + number), "expr": x, "legendFormat": shown}
            for number, (x, shown) in enumerate(expressions.items())
        ],
    }


def _data_source() -> dict[str, Any]:
    return {"name": "source", "type": "datasource", "query": "prometheus", "label": "Prometheus"}


def _instance() -> dict[str, Any]:
    return {
        "name": "instance",
        "label": "Instance",
        "type": "query",
        "datasource": {"type": "prometheus", "uid": "${source}"},
        "query": "label_values(uapi_ami_link_up, instance)",
        "includeAll": True,
        "multi": True,
        "refresh": 2,
    }


if __name__ == "__main__":
    FILE.write_text(dashboard())
