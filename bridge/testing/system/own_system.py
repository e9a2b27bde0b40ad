"""A system of the kit's own: Asterisk, public network and service on free ports."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from bridge.local_asterisk.local_asterisk import CONFIGURATION
from bridge.testing.lab.asterisk_ports import free_asterisk_ports
from bridge.testing.lab.certificates import make_ca, sign
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.options import KitOptions
from bridge.testing.softphones.ports import free_port
from bridge.testing.softphones.toolchain import ensure_phone_tools, ensure_programs
from bridge.testing.system.packet_capture import PacketCapture, capture, capture_filter
from bridge.testing.system.system_under_test import SystemUnderTest

T = TypeVar("T")
_CERTIFICATE = "tls-certificate.conf"
_TLS_TRANSPORT = """
; Only of tests: phones over TLS.
[transport-tls]
type = transport
protocol = tls
bind = {address}:{port}
cert_file = @CONF_DIR@/{certificate}
priv_key_file = @CONF_DIR@/{certificate}
method = tlsv1_2
"""


class OwnSystem:
    """Started once for a session, and closed after it.

    It has a thread with an event loop: tests may have loops of their own, and Asterisk ends with
    the thread that has started it.
    """

    def __init__(self, options: KitOptions) -> None:
        self._options = options
        self._folder = Path(tempfile.mkdtemp(prefix="uapi-"))  # short: sockets are far below it
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="uapi-lab", daemon=True)
        self._lab: RunningLab | None = None
        self._capture: PacketCapture | None = None

    def open(self) -> SystemUnderTest:
        """Returns when calls can be placed.

        Raises PhoneToolsMissingError and NoAsteriskError, which say how to get what is missing.
        """
        ensure_phone_tools()
        ensure_programs({"openssl": "openssl"})
        self._thread.start()
        try:
            return self._run(self._open())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End all of it; nothing is left."""
        try:
            if self._lab is not None:
                self._run(self._lab.close())
        finally:
            if self._capture is not None:
                self._run(self._capture.stop())
            if self._thread.is_alive():
                self._run(self._loop.shutdown_asyncgens())
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._thread.join()
            self._loop.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _open(self) -> SystemUnderTest:
        ports = free_asterisk_ports()
        tls_port = free_port()
        ca = make_ca(self._folder / "tls")
        events = self._folder / "pbx-events.jsonl"
        settings = {
            "events_private_targets": "true",  # the receiver of a test is on this machine
            "record_pbx_events_to": str(events),
            **self._options.settings,
        }
        if self._options.directory is not None:
            settings["directory_file"] = str(self._options.directory)
        if self._options.capture == "auto":
            self._capture = await capture(self._folder / "capture", capture_filter(ports))
        self._lab = await open_lab(
            self._folder,
            settings,
            ports=ports,
            configuration=self._configuration(ca, ports.bind_address, tls_port),
            warnings_are_errors=False,
        )
        bridge = self._lab.bridge
        return SystemUnderTest(
            base_url=bridge.base_url,
            sip_host=ports.bind_address,
            sip_port=ports.sip,
            secrets_file=bridge.state_dir / "secrets.json",
            sip_tls_port=tls_port,
            ca_file=ca,
            asterisk_dir=self._folder / "asterisk",
            public_network_address=(ports.public_network_address, ports.public_network_sip),
            service_log=bridge.log_file,
            pbx_events=events,
            capture=self._capture,
        )

    def _configuration(self, ca: Path, address: str, tls_port: int) -> Path:
        """The shipped one, with SIP over TLS."""
        certificate, key = sign(ca, f"IP:{address}")
        made = self._folder / "asterisk-conf"
        shutil.copytree(CONFIGURATION, made)
        # Only files with such a name are copied to the folder that Asterisk sees.
        (made / "pbx" / _CERTIFICATE).write_text(certificate.read_text() + key.read_text())
        transport = _TLS_TRANSPORT.format(address=address, port=tls_port, certificate=_CERTIFICATE)
        with (made / "pbx" / "pjsip.conf").open("a") as file:
            file.write(transport)
        return made
