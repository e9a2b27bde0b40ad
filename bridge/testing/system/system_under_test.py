"""A running service, its PBX and its public network, as the kit uses them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bridge.local_asterisk.console import console_command
from bridge.local_asterisk.errors import LocalAsteriskError
from bridge.testing.journal import Observation, Source
from bridge.testing.options import KitOptions
from bridge.testing.pcap_file import Packet
from bridge.testing.system.packet_capture import PacketCapture

_SIP_PORT = 5060
_TRANSPORT = re.compile(r"^Transport:.*\sudp\s.*\s([0-9.]+):([0-9]+)\s*$", re.M)
_CONSOLE_TIME_LIMIT_S = 15.0
_TELLING = ("Channel", "DestChannel", "DialStatus", "Cause", "CallerIDNum", "Exten")


class NotOfThisSystem(RuntimeError):
    """The system under test does not have what a test asks for; the text says how it could."""


@dataclass(frozen=True)
class SystemUnderTest:
    """`sip_tls_port` and `ca_file` are 0 and None where phones cannot use TLS.

    `asterisk_dir`: the folder of an Asterisk that the service or the kit has started here.
    `service_log` and `pbx_events`: files that grow, None where the kit cannot read them. `capture`:
    None where the kit may not capture, or has not started the system.
    """

    base_url: str
    sip_host: str
    sip_port: int
    secrets_file: Path
    sip_tls_port: int = 0
    ca_file: Path | None = None
    asterisk_dir: Path | None = None
    public_network_address: tuple[str, int] | None = None
    service_log: Path | None = None
    pbx_events: Path | None = None
    capture: PacketCapture | None = None

    def secret(self, name: str) -> str:
        """A secret such as `sip/0003*210` or `app/user-12`. Raises NotOfThisSystem without it."""
        secrets: dict[str, Any] = json.loads(self.secrets_file.read_text())
        if name not in secrets:
            kind = name.partition("/")[0] + "/"
            known = ", ".join(sorted(x for x in secrets if x.startswith(kind)))
            raise NotOfThisSystem(
                f"{self.secrets_file} has no secret {name}, but {known or 'none'}"
            )
        return str(secrets[name])

    async def public_network_console(self, command: str) -> str:
        """The output of a console command of the public network's Asterisk.

        Raises NotOfThisSystem where there is none on this machine, or it refuses the command.
        """
        if self.asterisk_dir is None:
            raise NotOfThisSystem(
                "the public network of this service is not known here: give --uapi-state-dir"
            )
        try:
            line = console_command(self.asterisk_dir, command, public_network=True)
        except LocalAsteriskError as why:
            raise NotOfThisSystem(str(why)) from None
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*line, stdout=pipe, stderr=pipe)
        async with asyncio.timeout(_CONSOLE_TIME_LIMIT_S):
            output, errors = await process.communicate()
        if process.returncode:
            raise NotOfThisSystem(f"{command}: {(output + errors).decode().strip()}")
        return output.decode()

    async def public_network(self) -> tuple[str, int]:
        """The SIP address of the public network. Raises as public_network_console."""
        if self.public_network_address is not None:
            return self.public_network_address
        said = await self.public_network_console("pjsip show transports")
        found = _TRANSPORT.search(said)
        if found is None:
            raise NotOfThisSystem(f"the public network has no transport for UDP: {said.strip()}")
        return found[1], int(found[2])

    def packets(self, from_ms: float, to_ms: float) -> Sequence[Packet]:
        """SIP and RTP of that time, in milliseconds since 1970; none where nothing is captured."""
        return () if self.capture is None else self.capture.packets(from_ms, to_ms)

    def observations(self, since_ms: float) -> Iterator[Observation]:
        """The events of the PBX and lines of the log since that moment, where they are known."""
        if self.pbx_events is not None:
            for event in _json_lines(self.pbx_events):
                if event["received_ms"] >= since_ms:
                    yield _pbx_observation(event)
        if self.service_log is not None:
            for line in _json_lines(self.service_log):
                at_ms = _moment_ms(line.get("timestamp"))
                if at_ms >= since_ms:
                    yield _log_observation(at_ms, line)


def running_system(options: KitOptions) -> SystemUnderTest:
    """The service that `--uapi-url` names. Raises NotOfThisSystem without its secrets."""
    host, _, port = options.sip.rpartition(":") if options.sip else ("", "", "")
    state = options.state_dir
    secrets = options.secrets or (state / "secrets.json" if state else None)
    if secrets is None or not secrets.is_file():
        raise NotOfThisSystem(f"{secrets or 'no file of secrets'} is not there")
    return SystemUnderTest(
        base_url=options.url,
        sip_host=host or urlsplit(options.url).hostname or "127.0.0.1",
        sip_port=int(port or _SIP_PORT),
        secrets_file=secrets,
        asterisk_dir=state / "asterisk" if state else None,
    )


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        with contextlib.suppress(ValueError):  # the last line may be half written
            parsed = json.loads(line)
            if isinstance(parsed, dict):
                yield parsed


def _pbx_observation(event: dict[str, Any]) -> Observation:
    headers: dict[str, str] = event["headers"]
    return Observation(
        float(event["received_ms"]),
        Source.PBX,
        "pbx",
        headers.get("Event", ""),
        " ".join(f"{x}={headers[x]}" for x in _TELLING if headers.get(x)),
        "\n".join(f"{name}: {value}" for name, value in headers.items()),
        headers.get("Linkedid", headers.get("DestLinkedid", "")),
        peer="service",
    )


def _log_observation(at_ms: float, line: dict[str, Any]) -> Observation:
    call = str(line.get("call_id", line.get("call", "")))
    detail = json.dumps(line, ensure_ascii=False)
    kind, text = str(line.get("level", "info")), str(line.get("event", ""))
    return Observation(at_ms, Source.SERVICE, "service", kind, text, detail, call)


def _moment_ms(text: object) -> float:
    try:
        return datetime.fromisoformat(str(text)).timestamp() * 1000
    except ValueError:
        return 0.0
