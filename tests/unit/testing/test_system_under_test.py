"""A system that runs already, and what the kit reads of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.testing.journal import Source
from bridge.testing.options import KitOptions
from bridge.testing.system.system_under_test import (
    NotOfThisSystem,
    SystemUnderTest,
    running_system,
)


def options(**values: object) -> KitOptions:
    given: dict[str, object] = {
        "url": "http://pbx.test:8080",
        "secrets": None,
        "state_dir": None,
        "sip": "",
        "client": "user-12",
        "verba_key": "erasure",
        "receiver_address": "127.0.0.1",
        "directory": None,
        "settings": {},
    }
    return KitOptions(**{**given, **values})  # type: ignore[arg-type]


def test_given_a_state_folder_then_secrets_and_the_pbx_are_in_it(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text('{"sip/0003*210": "abc"}')

    system = running_system(options(state_dir=tmp_path))

    assert (system.sip_host, system.sip_port) == ("pbx.test", 5060)
    assert system.secret("sip/0003*210") == "abc"
    assert system.asterisk_dir == tmp_path / "asterisk"
    with pytest.raises(NotOfThisSystem, match="has no secret app/user-12"):
        system.secret("app/user-12")


def test_given_a_file_of_secrets_and_a_sip_address_then_these_count(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text("{}")

    system = running_system(options(secrets=file, sip="sip.test:5080"))

    assert (system.sip_host, system.sip_port) == ("sip.test", 5080)
    with pytest.raises(NotOfThisSystem, match="is not there"):
        running_system(options(secrets=tmp_path / "none.json"))


async def test_given_no_state_folder_then_the_public_network_says_what_to_give(
    tmp_path: Path,
) -> None:
    system = SystemUnderTest("http://a.test", "a.test", 5060, tmp_path / "secrets.json")
    with pytest.raises(NotOfThisSystem, match="--uapi-state-dir"):
        await system.public_network_console("core show version")
    elsewhere = SystemUnderTest(
        "http://a.test", "a.test", 5060, tmp_path, asterisk_dir=tmp_path / "asterisk"
    )
    with pytest.raises(NotOfThisSystem, match="no Asterisk runs with the state folder"):
        await elsewhere.public_network_console("core show version")


def test_given_a_log_and_events_of_the_pbx_then_both_are_observed_since_then(
    tmp_path: Path,
) -> None:
    log, events = tmp_path / "log", tmp_path / "events"
    log.write_text(
        "text that is no JSON\n"
        '{"event": "old", "level": "info", "timestamp": "1970-01-01T00:00:01Z"}\n'
        '{"event": "call ended", "level": "info", "call_id": "c1", '
        '"timestamp": "1970-01-01T00:00:05Z"}\n'
        '{"event": "half wr'
    )
    headers = {"Event": "Hangup", "Channel": "PJSIP/a-1", "Cause": "17", "Linkedid": "c1"}
    lines = [{"received_ms": ms, "headers": headers} for ms in (1000, 4000)]
    events.write_text("".join(json.dumps(x) + "\n" for x in lines))
    system = SystemUnderTest(
        "http://a.test", "a.test", 5060, tmp_path, service_log=log, pbx_events=events
    )

    pbx, service = system.observations(2000)

    assert (pbx.source, pbx.at_ms, pbx.call_id) == (Source.PBX, 4000, "c1")
    assert pbx.text == "Channel=PJSIP/a-1 Cause=17"
    assert "Event: Hangup\n" in pbx.detail
    assert (service.source, service.text, service.call_id) == (Source.SERVICE, "call ended", "c1")
    assert service.at_ms == 5000
