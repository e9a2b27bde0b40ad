"""The first call that is printed is one that works, whatever directory file there is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from bridge.access.one_time_codes import OneTimeCodes
from bridge.command.greeting import greeting
from bridge.config.secrets_file import ThrowawaySecrets
from bridge.config.settings import Settings
from bridge.directory.loader import EXAMPLE_FILE, load_directory
from bridge.wiring.service import Service

from .directory.small_directory import SMALL


def greeted(tmp_path: Path, text: str, **settings: str) -> str:
    file = tmp_path / "directory.yaml"
    file.write_text(text)
    directory = load_directory(file, ThrowawaySecrets())
    service = SimpleNamespace(
        settings=Settings.model_validate({"state_dir": tmp_path, **settings}),
        directory=SimpleNamespace(directory=directory),
        nodes={"pbx1": SimpleNamespace(phones=SimpleNamespace(problem=""))},
        sign_in_codes=OneTimeCodes(60),
    )
    return greeting(cast("Service", service))


def first_call(text: str) -> tuple[str, dict[str, object]]:
    """The user in its path, and its body."""
    [user] = re.findall(r"/uapi/phoneCalls/(\S+)/simple", text)
    [body] = re.findall(r"-d '(\{.*\})'", text)
    return user, json.loads(body)


def test_given_the_example_then_two_public_numbers_talk(tmp_path: Path) -> None:
    text = greeted(tmp_path, EXAMPLE_FILE.read_text())
    assert "SIP server           127.0.0.1:5060" in text
    assert "app/user-12" in text
    view = {"source": ["5354353"], "destination": ["3235742879"], "callerId": "John Doe <4242425>"}
    assert first_call(text) == ("@me", {"extension": "210", "phoneCallView": [view]})


def test_given_a_pbx_of_ones_own_then_nobody_outside_is_called(tmp_path: Path) -> None:
    text = greeted(tmp_path, EXAMPLE_FILE.read_text(), pbx_host="192.0.2.1")
    assert "SIP server" not in text
    _, body = first_call(text)
    [view] = cast("list[dict[str, object]]", body["phoneCallView"])
    assert (view["source"], view["destination"]) == (["0003*210"], ["0003*00"])


@pytest.mark.parametrize(
    ("account", "user", "extension"),
    [
        ("user 12", "@me", "210"),
        ("organization 0003", "12", "210"),
        ("administrator", "12", "0003*210"),
    ],
)
def test_given_what_an_app_may_then_the_call_is_one_that_it_may_place(
    tmp_path: Path, account: str, user: str, extension: str
) -> None:
    text = greeted(tmp_path, SMALL.replace("account: user 12", f"account: {account}"))
    view = {"source": ["0003*210"], "destination": ["0003*00"]}  # it may call nobody outside
    assert first_call(text) == (user, {"extension": extension, "phoneCallView": [view]})


def test_given_a_secret_in_the_file_then_it_is_neither_shown_nor_looked_for(tmp_path: Path) -> None:
    text = greeted(tmp_path, SMALL + "    client_secret: very-secret\n")
    assert "very-secret" not in text
    assert "with SECRET set to the client_secret of app" in text
    assert 'client_secret="$SECRET"' in text


def test_given_no_app_then_it_is_said(tmp_path: Path) -> None:
    text = greeted(tmp_path, SMALL[: SMALL.index("apps:")])
    assert "has no app" in text
    assert text.endswith("Ctrl-C ends it.")


def test_given_numbers_that_the_shipped_dialplan_does_not_know_then_it_is_said(
    tmp_path: Path,
) -> None:
    text = SMALL.replace("0003", "42")
    assert "does not know 42*210: it has prefixes of 4 digits" in greeted(tmp_path, text)
    assert "does not know" not in greeted(tmp_path, text, pbx_host="192.0.2.1")
    queue = "      - {number: 0003*301, type: Queue, user: 12}\napps:\n"
    assert "know 0003*301:" in greeted(tmp_path, SMALL.replace("apps:\n", queue))
    taken = SMALL.replace("0003*210", "0003*300")  # there it reaches the queue
    assert "know 0003*300:" in greeted(tmp_path, taken)
    assert "does not know" not in greeted(tmp_path, EXAMPLE_FILE.read_text())


@pytest.mark.parametrize(
    ("settings", "base"),
    [
        ({"http_host": "::1"}, "http://[::1]:8080"),
        ({"http_host": "::"}, "http://127.0.0.1:8080"),
        ({"http_host": "0.0.0.0"}, "http://127.0.0.1:8080"),
        ({"http_host": "192.0.2.7,::1", "http_port": "81"}, "http://192.0.2.7:81"),
        ({"public_base_url": "https://calls.example.com/"}, "https://calls.example.com"),
    ],
)
def test_given_any_address_when_greeted_then_the_urls_are_ones_that_work(
    tmp_path: Path, settings: dict[str, str], base: str
) -> None:
    text = greeted(tmp_path, EXAMPLE_FILE.read_text(), **settings)
    assert f"{base}/uapi/\n" in text
    assert f"curl -s {base}/oauth/token.php" in text
    assert f"{base}/uapi/phoneCalls/@me/simple" in text


def test_given_ipv6_when_greeted_then_the_sip_server_has_brackets(tmp_path: Path) -> None:
    text = greeted(tmp_path, EXAMPLE_FILE.read_text(), bind_address="::1")
    assert "SIP server           [::1]:5060" in text


def test_given_a_container_when_greeted_then_it_says_what_works_outside_of_it(
    tmp_path: Path,
) -> None:
    outside = {"pbx_host": "asterisk", "http_host": "0.0.0.0"}
    text = greeted(
        tmp_path, EXAMPLE_FILE.read_text(), published_url="http://0.0.0.0:8099", **outside
    )
    assert "http://127.0.0.1:8099/uapi/\n" in text
    assert "$(docker compose exec -T bridge cat " in text
    assert "Ctrl-C" not in text


def test_given_a_pbx_with_phones_of_its_own_when_greeted_then_the_phone_is_named(
    tmp_path: Path,
) -> None:
    text = greeted(
        tmp_path, EXAMPLE_FILE.read_text(), pbx_host="192.0.2.1", provision_phones="false"
    )
    assert "SIP user" not in text
    assert "from 0003*210, once it is registered" in text
    assert "if [services] of your dialplan has it" in text


def test_given_loopback_when_greeted_then_a_link_to_the_console_signs_in_once(
    tmp_path: Path,
) -> None:
    text = greeted(tmp_path, EXAMPLE_FILE.read_text())
    [code] = re.findall(
        r"http://127\.0\.0\.1:8080/console/#sign-in=([\w-]{43})$", text, re.MULTILINE
    )
    assert code not in greeted(tmp_path, EXAMPLE_FILE.read_text())
    assert "to speak: page Phone" in text
    no_browser = EXAMPLE_FILE.read_text().replace("webrtc: yes", "webrtc: no")
    assert "to speak" not in greeted(tmp_path, no_browser)


@pytest.mark.parametrize(
    "settings",
    [
        {"http_host": "127.0.0.1,192.0.2.1"},
        {"public_base_url": "https://pbx.example"},
        {"console_link_s": "0"},
    ],
)
def test_given_others_may_reach_it_when_greeted_then_the_console_has_no_link(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    text = greeted(tmp_path, EXAMPLE_FILE.read_text(), **settings)
    assert re.search(r"web console +https?://\S+/console/$", text, re.MULTILINE)
    assert "sign-in" not in text
    assert "web console" not in greeted(tmp_path, EXAMPLE_FILE.read_text(), console="false")
