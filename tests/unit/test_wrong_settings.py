"""Settings that are wrong, or that do not fit each other: each is named, with its rule."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from bridge.config.log_output import LogOutput
from bridge.config.settings_reading import SettingsWrong, read_settings


def said_of(monkeypatch: pytest.MonkeyPatch, **variables: str) -> list[str]:
    """The lines of the refusal of these variables, each without `BRIDGE_` in its name."""
    for name, value in variables.items():
        monkeypatch.setenv(f"BRIDGE_{name.upper()}", value)
    with pytest.raises(SettingsWrong) as wrong:
        read_settings()
    return str(wrong.value).splitlines()


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("pbx_host", "pbx.example/x", "a host name or an IP address"),
        ("pbx_host", "[127.0.0.1]", "brackets are for IPv6"),
        ("http_host", "127.0.0.1,", "several with commas"),
        ("http_host", "127.0.0.1,127.0.0.1", "named twice"),
        ("public_base_url", "calls.example.com", "must be like https://"),
        ("cors_allowed_origins", "https://a.example/page", "or *"),
        ("database_url", "mysql://x", "must begin with postgresql+asyncpg://"),
        ("audio_codecs", "ulaw,mp3", "no codec 'mp3'"),
        ("ari_prefix", "a b", "as `prefix` in http.conf"),
        ("pbx_ca_file", "/nosuch/ca.pem", "cannot be used as PEM certificates"),
        ("http_port", "0", "greater than or equal to 1"),
    ],
)
def test_a_wrong_value_is_named_with_its_rule(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, rule: str
) -> None:
    [line] = said_of(monkeypatch, **{name: value})
    assert line.startswith(f"setting BRIDGE_{name.upper()}: ")
    assert rule in line


@pytest.mark.parametrize(
    ("variables", "rule"),
    [
        ({"rtp_port_min": "20000", "rtp_port_max": "10000"}, "is greater than"),
        ({"rtp_port_min": "20000", "rtp_port_max": "20000"}, "each phone needs two"),
        ({"rtp_port_min": "80"}, "BRIDGE_RTP_PORT_MIN must be"),
        ({"sip_port": "8088", "http_port": "8088"}, "are the same port"),
        (
            {"http_connections_max": "10", "http_connections_per_address_max": "11"},
            "PER_ADDRESS_MAX is greater than",
        ),
        ({"pbx_host": "pbx", "asterisk": "docker"}, "leave one of them out"),
        ({"ami_username": "a", "ami_recording_username": "a"}, "must differ"),
        ({"ari_prefix": "/asterisk"}, "set BRIDGE_PBX_HOST"),
        ({"public_network_address": "127.0.0.1"}, "needs an address of its own"),
        ({"public_network_address": "0.0.0.0"}, "must be one address"),
        ({"public_network_address": "::1"}, "is of IPv6"),
    ],
)
def test_settings_that_do_not_fit_each_other_are_named(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], rule: str
) -> None:
    lines = said_of(monkeypatch, **variables)
    assert any(rule in x for x in lines), lines
    assert all(x.startswith("settings: ") for x in lines)


def test_a_name_that_is_no_setting_is_refused_with_the_nearest_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert said_of(monkeypatch, sip_prot="5060") == [
        "there is no setting BRIDGE_SIP_PROT (did you mean BRIDGE_SIP_PORT?); "
        "`uapi-bridge settings` lists them"
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sip_prot = 5060\n", ": there is no setting sip_prot (did you mean sip_port?)"),
        ("BRIDGE_SIP_PORT = 5060\n", "here names are in lower case, without BRIDGE_"),
        ("sip_port = 0\n", ": sip_port: Input should be greater than or equal to 1"),
        ("\nsip_port 5060\n", ":2: not valid TOML: "),
        (None, "BRIDGE_SETTINGS_FILE names no file: "),
        (b"\xff", "cannot be read: "),
    ],
)
def test_what_is_wrong_in_the_file_is_said_with_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | bytes | None, said: str
) -> None:
    file = tmp_path / "settings.toml"
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    [line] = said_of(monkeypatch, settings_file=str(file))
    assert said in line
    assert str(file) in line


def test_a_setting_of_the_file_is_in_force(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("sip_port = 5070\n")
    monkeypatch.setenv("BRIDGE_SETTINGS_FILE", str(file))
    assert read_settings().sip_port == 5070


class FullDisk(io.StringIO):
    full = False

    def write(self, text: str) -> int:
        if self.full:
            raise OSError("No space left on device")
        return super().write(text)


def test_given_a_full_disk_then_the_lost_lines_are_counted_once_there_is_room() -> None:
    disk = FullDisk()
    output = LogOutput(disk, lambda lines: f"{lines} lost")
    output.write("one\n")
    disk.full = True
    output.write("two\n")
    output.write("three\n")
    disk.full = False
    output.write("four\n")
    output.write("five\n")
    assert disk.getvalue() == "one\n\n2 lost\nfour\nfive\n"
    disk.close()
    output.write("six\n")
