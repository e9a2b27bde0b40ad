"""The edge as a process: deploy/edge, rendered and started by Debian's Kamailio."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from bridge.testing.eventually import eventually
from bridge.testing.softphones.ports import free_port
from bridge.testing.softphones.toolchain import install, installing

RENDER = Path(__file__).parents[3] / "deploy" / "edge" / "render.sh"
_PACKAGES = {
    "kamailio": "kamailio",
    "kamcmd": "kamailio-postgres-modules",
    "kamctl": "kamailio-websocket-modules",
    "kamdbctl": "kamailio-tls-modules",
}
_LIBRARIES = Path("/usr/lib")
_UNIT = Path("/etc/systemd/system/kamailio.service")
_START_LIMIT_S = 15.0
_STOP_LIMIT_S = 5.0


def ensure_kamailio() -> Path:
    """The folder of its modules. Installs the packages where they are missing.

    Raises PhoneToolsMissingError, which names them.
    """
    if not _modules():
        with installing():
            if not _modules():
                # Debian would start a server with a configuration of its own on the SIP port.
                if Path("/run/systemd/system").is_dir() and not _UNIT.exists():
                    _UNIT.symlink_to("/dev/null")
                install(_PACKAGES)
    return _modules()[0].parent


def _modules() -> list[Path]:
    folder = "*/kamailio/modules"
    found = [list(_LIBRARIES.glob(f"{folder}/{x}.so")) for x in ("db_postgres", "websocket", "tls")]
    return found[0] if shutil.which("kamailio") and all(found) else []


def _make_certificate(certificate: Path, key: Path, address: str) -> None:
    subject = ("-subj", f"/CN={address}", "-addext", f"subjectAltName=IP:{address}")
    files = ("-keyout", key, "-out", certificate, "-days", "2")
    kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-x509")
    subprocess.run(["openssl", "req", *kind, *subject, *files], check=True, capture_output=True)


class KamailioEdge:
    """`nodes`: their SIP address and port by name. `database`: the environment of libpq, and
    EDGE_DATABASE_URL. `settings`: further variables of render.sh."""

    def __init__(
        self,
        folder: Path,
        address: tuple[str, int],
        nodes: Mapping[str, tuple[str, int]],
        database: Mapping[str, str],
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.settings = settings or {}
        self.ahead_ms = 0
        """So far its clock is ahead, from the next start on."""
        self.folder = folder
        self.address = address
        self.tls_address = (address[0], free_port())
        self._nodes = nodes
        self._environment = {
            **os.environ,
            **database,
            "PGOPTIONS": "-c search_path=edge,public",
            "TZ": "UTC",  # Kamailio writes local time into its tables
        }
        self._process: asyncio.subprocess.Process | None = None

    @property
    def log_file(self) -> Path:
        return self.folder / "edge.log"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Return when it answers. Raises AssertionError with its log if it does not."""
        modules = ensure_kamailio()
        self.folder.mkdir(parents=True, exist_ok=True)
        certificate, key = self.folder / "tls.crt", self.folder / "tls.key"
        if not certificate.exists():
            await asyncio.to_thread(_make_certificate, certificate, key, self.address[0])
        nodes = " ".join(f"{name}={host}:{port}" for name, (host, port) in self._nodes.items())
        settings = {
            "EDGE_ADDRESS": self.address[0],
            "EDGE_PORT": str(self.address[1]),
            "EDGE_NODES": nodes,
            "EDGE_WORKERS": "2",
            "EDGE_PING_S": "1",
            "EDGE_TLS_PORT": str(self.tls_address[1]),
            "EDGE_TLS_CERTIFICATE": str(certificate),
            "EDGE_TLS_KEY": str(key),
            **self.settings,
        }
        await asyncio.to_thread(self._render, settings)
        with self.log_file.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *("setpriv", "--pdeathsig", "TERM", "kamailio", "-DD", "-E"),
                *("-f", str(self.folder / "kamailio.cfg"), "-L", str(modules)),
                *("-Y", str(self.folder), "-P", str(self.folder / "pid"), "-m", "64", "-M", "8"),
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        await eventually(self._answers, _START_LIMIT_S, why=self.log_text)

    def _render(self, settings: Mapping[str, str]) -> None:
        environment = {**self._environment, **settings}
        done = subprocess.run([RENDER, self.folder], env=environment, capture_output=True)
        assert done.returncode == 0, done.stderr
        if self.ahead_ms:
            file = self.folder / "kamailio.cfg"
            now, ahead = "$TV(sn)", f"($TV(sn) + ($TV(un) + {self.ahead_ms}000) / 1000000)"
            assert now in file.read_text()
            file.write_text(file.read_text().replace(now, ahead))

    async def stop(self) -> None:
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """kill -9 of all its processes."""
        await self._end(signal.SIGKILL)

    def freeze(self) -> None:
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.killpg(self.pid, signal.SIGCONT)

    async def control(self, *command: str) -> str:
        """The output of kamcmd."""
        process = await asyncio.create_subprocess_exec(
            *("kamcmd", "-s", f"unix:{self.folder}/control", *command),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        return output.decode()

    def log_text(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    async def _answers(self) -> bool:
        if self._process is not None and self._process.returncode is not None:
            raise AssertionError(f"the edge ended:\n{self.log_text()[-3000:]}")
        host, port = self.address
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.setblocking(False)
            probe.connect(self.address)
            branch = uuid4().hex
            with contextlib.suppress(OSError, TimeoutError):
                probe.send(
                    f"OPTIONS sip:{host}:{port} SIP/2.0\r\n"
                    f"Via: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK{branch}\r\n"
                    f"From: <sip:probe@{host}>;tag={branch[:8]}\r\nTo: <sip:{host}>\r\n"
                    f"Call-ID: {branch}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n"
                    "Content-Length: 0\r\n\r\n".encode()
                )
                async with asyncio.timeout(0.3):
                    answer = await asyncio.get_running_loop().sock_recv(probe, 4096)
                return answer.startswith(b"SIP/2.0 200")
        return False

    async def _end(self, ending: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        group = process.pid
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, ending)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _STOP_LIMIT_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
        await process.wait()
