"""`uapi-bridge serve` and `check` as somebody types them: exit codes and messages."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from bridge.config.settings import Settings
from bridge.config.state_folder import state_folder_locked
from bridge.directory.loader import EXAMPLE_FILE
from bridge.testing.eventually import eventually
from bridge.testing.lab.certificates import make_ca
from bridge.testing.softphones.ports import free_port

from .unlinked_service import unlinked_service


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BRIDGE_")}
    return subprocess.run(
        [sys.executable, "-c", "from bridge.cli import main; main()", *arguments],
        env=environment | {f"BRIDGE_{k.upper()}": v for k, v in settings.items()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_given_the_example_when_checked_then_it_is_valid_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    done = run("check", str(EXAMPLE_FILE), state_dir=str(tmp_path / "state"))

    assert done.returncode == 0, done.stderr
    assert "2 organizations, 3 users, 12 extensions" in done.stdout
    assert "note:" not in done.stdout
    assert not (tmp_path / "state").exists()


def test_given_a_wrong_directory_file_when_checked_then_every_problem_is_named_with_its_line(
    tmp_path: Path,
) -> None:
    file = tmp_path / "directory.yaml"
    text = EXAMPLE_FILE.read_text()
    line = text[: text.index("type: Phone Terminal")].count("\n") + 1
    file.write_text(text.replace("type: Phone Terminal", "type: Telephone", 1))

    done = run("check", str(file))

    assert done.returncode == 1
    assert done.stderr.startswith(f"{file}:{line}: organizations[0]")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("http_port", "70000"),
        ("no_such_setting", "1"),
        ("calls_per_second", "0"),
        ("call_duration_default_s", "99999"),
        ("wait_for_pickup_default_s", "999"),
        ("rtp_port_min", "20000"),
        ("sip_port", "5038"),
        ("public_base_url", "xx"),
        ("database_url", "postgresql://somewhere/x"),
        ("phone_media_address", "somewhere"),
        ("audio_codecs", "ulaw,bogus"),
        ("video_codecs", "ulaw"),
        ("pbx_host", "http://pbx"),
        ("pbx_host", "pbx:5038"),
        ("http_host", "127.0.0.1,"),
        ("ari_prefix", "a b"),
        ("ari_tls", "true"),
        ("pbx_ca_file", "/nonexistent.pem"),
        ("events_ca_file", "/proc/version"),
        ("public_network_address", "127.0.0.1"),
        ("public_network_address", "::2"),
        ("ami_recording_username", "bridge"),
        ("rtp_port_min", "1000"),
        ("rtp_port_max", "10000"),
    ],
)
def test_given_a_wrong_setting_when_started_then_one_line_names_it(
    setting: str, value: str
) -> None:
    done = run("check", **{setting: value})

    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert f"BRIDGE_{setting.upper()}" in done.stderr


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (
            {"pbx_host": "192.0.2.1", "asterisk": "root"},
            ["BRIDGE_PBX_HOST", "BRIDGE_ASTERISK=root"],
        ),
        ({"pbx_host": "192.0.2.1", "pbx_ca_file": "CA"}, ["BRIDGE_PBX_CA_FILE", "BRIDGE_AMI_TLS"]),
        ({"bind_address": "127.0.0.2"}, ["BRIDGE_PUBLIC_NETWORK_ADDRESS", "BRIDGE_BIND_ADDRESS"]),
        ({"rtp_port_min": "500", "ari_prefix": "x"}, ["BRIDGE_RTP_PORT_MIN", "BRIDGE_ARI_PREFIX"]),
    ],
)
def test_given_settings_that_cannot_work_together_when_read_then_each_of_them_is_named(
    tmp_path: Path, given: dict[str, str], named: list[str]
) -> None:
    ca = make_ca(tmp_path)
    done = run("check", **{k: str(ca) if v == "CA" else v for k, v in given.items()})
    assert done.returncode == 1
    lines = done.stderr.strip().splitlines()
    assert all(x.startswith("settings: ") for x in lines)
    for name in named:
        assert name in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("http_port = 28080 x", ":1: not valid TOML: "),
        ('state_dir = "s"\nhttp_port = [1', ": not valid TOML: "),
        ("htp_host = 1", ": there is no setting htp_host (did you mean http_host?)"),
        (
            "BRIDGE_HTTP_PORT = 1",
            " (did you mean http_port?); here names are in lower case, without",
        ),
        ("zzz = 1", ": there is no setting zzz"),
        ("http_port = 70000", ": http_port: Input should be less than"),
        ("[http]\nport = 1", ": there is no setting http"),
    ],
)
def test_given_a_wrong_settings_file_when_read_then_one_line_names_the_file_and_what_is_wrong(
    tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "s.toml"
    file.write_text(text)
    done = run("check", settings_file=str(file))
    assert done.returncode == 1
    [line] = done.stderr.strip().splitlines()
    assert line.startswith(str(file))
    assert said in line


def test_given_a_misspelled_variable_when_read_then_the_right_one_is_suggested() -> None:
    done = run("check", htp_port="1", no_idea_at_all="1")
    assert done.stderr.strip().splitlines() == [
        "there is no setting BRIDGE_HTP_PORT (did you mean BRIDGE_HTTP_PORT?); `uapi-bridge "
        "settings` lists them",
        "there is no setting BRIDGE_NO_IDEA_AT_ALL; `uapi-bridge settings` lists them",
    ]


def test_when_settings_are_listed_then_each_is_there_and_the_list_is_a_valid_environment() -> None:
    done = run("settings")
    assert done.returncode == 0, done.stderr
    names = re.findall(r"^#(BRIDGE_\w+)=", done.stdout, re.M)
    assert sorted(names) == sorted(f"BRIDGE_{x.upper()}" for x in Settings.model_fields)
    given = dict(re.findall(r"^#(BRIDGE_\w+)=(.*?)(?:  # .*)?$", done.stdout, re.M))
    assert (given["BRIDGE_HTTP_PORT"], given["BRIDGE_TOKEN_LIFETIME_S"]) == ("8080", "3600")
    again = run("check", **{k.removeprefix("BRIDGE_").lower(): v for k, v in given.items()})
    assert again.returncode == 0, again.stderr


def test_given_containers_and_ipv6_when_served_then_it_says_that_they_do_not_go_together(
    tmp_path: Path,
) -> None:
    done = run("serve", state_dir=str(tmp_path / "s"), asterisk="docker", bind_address="::1")
    assert done.returncode == 1
    assert "BRIDGE_BIND_ADDRESS is of IPv6" in done.stderr.strip().splitlines()[-1]


async def test_given_an_external_address_that_is_none_when_served_then_the_setting_is_named(
    tmp_path: Path,
) -> None:
    """Started all the same, it would refuse every call with 488."""
    done = run(
        "serve",
        state_dir=str(tmp_path / "s"),
        http_port=str(free_port()),
        sip_port=str(free_port()),
        asterisk="root",
        external_address="foo.invalid",
    )
    assert done.returncode == 1
    assert "BRIDGE_EXTERNAL_ADDRESS: foo.invalid" in done.stderr.strip().splitlines()[-1]


def test_given_a_taken_http_port_when_served_then_the_message_names_the_setting(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run("serve", state_dir=str(tmp_path / "state"), http_port=port, pbx_host="127.0.0.1")

    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert port in last
    assert "BRIDGE_HTTP_PORT" in last
    assert "Traceback" not in done.stderr


def test_given_no_way_to_an_asterisk_when_served_then_one_message_names_the_ways(
    tmp_path: Path,
) -> None:
    done = run("serve", state_dir=str(tmp_path / "state"), asterisk="external")

    assert done.returncode == 1
    assert "BRIDGE_PBX_HOST" in done.stderr


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"http_host": "bogus..host"}, "BRIDGE_HTTP_HOST"),
        ({"http_host": "192.0.2.1"}, "BRIDGE_HTTP_HOST"),
        ({"record_pbx_events_to": "/nonexistent/x/y"}, "/nonexistent/x/y"),
        ({"database_url": "sqlite+aiosqlite:////dev/null/x.db"}, "/dev/null"),
        ({"state_dir": "/proc/nowhere"}, "/proc/nowhere"),
    ],
)
def test_given_what_cannot_work_when_served_then_the_last_line_says_what_and_there_is_no_traceback(
    tmp_path: Path, settings: dict[str, str], said: str
) -> None:
    port = free_port()
    common = {"state_dir": str(tmp_path / "state"), "http_port": str(port), "pbx_host": "127.0.0.1"}
    done = run("serve", **{**common, **settings})

    assert done.returncode == 1
    assert said in done.stderr.strip().splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert "s3cret" not in done.stderr


def test_given_a_state_folder_in_use_when_served_then_it_is_refused_with_who_uses_it(
    tmp_path: Path,
) -> None:
    settings = Settings(state_dir=tmp_path / "state")
    with state_folder_locked(settings):
        done = run("serve", state_dir=str(settings.state_dir), pbx_host="127.0.0.1")
    assert done.returncode == 1
    assert f"process {os.getpid()}" in done.stderr
    with state_folder_locked(settings):
        pass


def test_given_a_reader_that_leaves_when_checked_then_there_is_no_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from bridge.cli import main; main()", "check"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


async def test_given_a_pbx_that_is_not_there_when_asked_then_it_is_alive_and_not_ready(
    tmp_path: Path,
) -> None:
    port = free_port()
    with (tmp_path / "log").open("wb") as log:
        async with (
            unlinked_service(tmp_path / "state", port, log.fileno()),
            aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
        ):

            async def answers() -> bool:
                with contextlib.suppress(aiohttp.ClientConnectionError):
                    async with session.get("/health/live") as alive:
                        assert (alive.status, (await alive.json())["status"]) == (200, "alive")
                    return True
                return False

            await eventually(answers, timeout=30)
            async with session.get("/health/ready") as ready:
                assert ready.status == 503


def test_given_a_weak_secret_when_checked_then_a_note_names_it_and_the_file_is_valid(
    tmp_path: Path,
) -> None:
    file = tmp_path / "directory.yaml"
    text = EXAMPLE_FILE.read_text()
    file.write_text(
        text.replace(
            "  - client_id: user-13\n", "  - client_id: user-13\n    client_secret: summer26\n", 1
        )
    )

    done = run("check", str(file))

    assert done.returncode == 0, done.stderr
    assert "note: client_secret of app user-13 has 8 characters" in done.stdout
    assert "summer26" not in done.stdout
