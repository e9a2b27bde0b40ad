"""The options of the pytest plugin: on the command line, or in the ini file under the same name.

A value on the command line wins. `KitOptions.of(config)` reads them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

_OPTIONS = {
    "uapi_url": "a running service to test, as http://127.0.0.1:8080; default: the kit starts one",
    "uapi_secrets": "the secrets.json of that service, or a JSON file of the same form",
    "uapi_state_dir": "the state folder of that service on this machine: its secrets, its PBX",
    "uapi_sip": "HOST:PORT where phones register; default: the host of the URL, port 5060",
    "uapi_client": "the app that tests use; default: user-12",
    "uapi_verba_key": "the name of the Verba key that reads recordings; default: erasure",
    "uapi_receiver_address": "the address where webhooks reach this machine; default: 127.0.0.1",
    "uapi_report_dir": "where reports of failed tests are written; default: build/uapi-reports",
    "uapi_capture": "auto: packets of failed tests, if dumpcap is there; never; default: auto",
    "uapi_directory": "the directory file of a service that the kit starts; default: the example",
}
_REPORT_DIR = Path("build/uapi-reports")
_CAPTURE = ("auto", "never")
_SETTINGS = "uapi_settings"


def add_options(parser: pytest.Parser) -> None:
    """Declare every option for the command line and for the ini file."""
    group = parser.getgroup("uapi", "calls through uapi-bridge")
    for name, text in _OPTIONS.items():
        group.addoption(f"--{name.replace('_', '-')}", dest=name, default=None, help=text)
        parser.addini(name, text, default="")
    parser.addini(
        _SETTINGS,
        "settings of a service that the kit starts, one NAME=VALUE a line, without BRIDGE_",
        type="linelist",
        default=[],
    )


@dataclass(frozen=True)
class KitOptions:
    """The options in force; see the texts in this file."""

    url: str
    secrets: Path | None
    state_dir: Path | None
    sip: str
    client: str
    verba_key: str
    receiver_address: str
    directory: Path | None
    settings: dict[str, str]
    report_dir: Path = _REPORT_DIR
    capture: str = "auto"

    @classmethod
    def of(cls, config: pytest.Config) -> KitOptions:
        """Raises pytest.UsageError for values that contradict each other."""

        def value(name: str, default: str = "") -> str:
            return str(config.getoption(name) or config.getini(name) or default)

        def path(name: str) -> Path | None:
            text = value(name)
            return config.rootpath / text if text else None

        options = cls(
            url=value("uapi_url").rstrip("/"),
            secrets=path("uapi_secrets"),
            state_dir=path("uapi_state_dir"),
            sip=value("uapi_sip"),
            client=value("uapi_client", "user-12"),
            verba_key=value("uapi_verba_key", "erasure"),
            receiver_address=value("uapi_receiver_address", "127.0.0.1"),
            directory=path("uapi_directory"),
            report_dir=config.rootpath / value("uapi_report_dir", str(_REPORT_DIR)),
            capture=value("uapi_capture", "auto"),
            settings=_settings(config.getini(_SETTINGS)),
        )
        options.check()
        return options

    def check(self) -> None:
        """Raises pytest.UsageError, which says what to give."""
        if self.capture not in _CAPTURE:
            raise pytest.UsageError(f"--uapi-capture is {' or '.join(_CAPTURE)}")
        if self.url and self.secrets is None and self.state_dir is None:
            raise pytest.UsageError("--uapi-url needs --uapi-state-dir or --uapi-secrets as well")
        if self.url and (self.settings or self.directory):
            raise pytest.UsageError(
                "uapi_settings and --uapi-directory are for a service that the plugin starts, "
                "and --uapi-url names one that runs already"
            )
        if not self.url and (self.secrets or self.state_dir or self.sip):
            raise pytest.UsageError(
                "--uapi-secrets, --uapi-state-dir and --uapi-sip need --uapi-url as well"
            )


def _settings(lines: list[str]) -> dict[str, str]:
    found = {}
    for line in lines:
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            raise pytest.UsageError(f"uapi_settings: {line!r} is not NAME=VALUE")
        found[name.strip().lower().removeprefix("bridge_")] = value.strip()
    return found
