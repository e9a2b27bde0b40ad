"""SIP and RTP of a lab as packets, where this machine has dumpcap and lets it capture."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from bridge.local_asterisk.ports import AsteriskPorts
from bridge.testing.eventually import eventually
from bridge.testing.pcap_file import Packet, read_pcap

PROGRAM = "dumpcap"
_LOOPBACK = "lo"
_SNAP = 16_384  # bytes of a packet; more than a SIP message or RTP has
_FILE_KB, _FILES = 8_192, 4  # ten minutes of a call with two phones
_LONGEST_S = 6 * 3600  # should we be killed, and the kernel leave it alone
_START_TIME_LIMIT_S = 3.0
_STOP_TIME_LIMIT_S = 3.0
_WRITTEN_AFTER_S = 1.0  # dumpcap writes twice a second
_BEGUN = b"File: "


def capture_filter(ports: AsteriskPorts) -> str:
    """Of SIP and RTP at these ports, as libpcap has filters."""
    sip = " or ".join(f"port {x}" for x in sorted({ports.sip, ports.public_network_sip}))
    return f"{sip} or udp portrange {ports.rtp_start}-{ports.rtp_end}"


async def capture(folder: Path, wanted: str) -> PacketCapture | None:
    """Capture into a new folder; None where there is no dumpcap, or it may not.

    `wanted`: a filter of libpcap. It is tried once, and nothing is said if it fails.
    """
    if shutil.which(PROGRAM) is None or shutil.which("setpriv") is None:
        return None
    folder.mkdir(mode=0o700)
    log = folder / "log"
    with log.open("wb") as said:
        # setpriv: should we be killed, the kernel ends it. It does not for a dumpcap that has
        # capabilities of its own, hence the longest duration.
        process = await asyncio.create_subprocess_exec(
            *("setpriv", "--pdeathsig", "TERM", PROGRAM, "-q", "-P", "-i", _LOOPBACK),
            *("-s", str(_SNAP), "-f", wanted, "-a", f"duration:{_LONGEST_S}"),
            *("-b", f"filesize:{_FILE_KB}", "-b", f"files:{_FILES}"),
            *("-w", str(folder / "lab.pcap")),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    found = PacketCapture(process, folder)

    async def begun_or_ended() -> bool:
        return _BEGUN in log.read_bytes() or not found.running

    try:
        await eventually(begun_or_ended, _START_TIME_LIMIT_S)
    except AssertionError:
        await found.stop()
    except BaseException:
        await found.stop()
        raise
    return found if found.running else None


class PacketCapture:
    """A dumpcap that runs, and the ring of files that it writes."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self._process = process
        self._folder = folder

    @property
    def running(self) -> bool:
        """False once dumpcap has ended: by `stop`, or by a fault."""
        return self._process.returncode is None

    def packets(self, from_ms: float, to_ms: float) -> Sequence[Packet]:
        """Those between two moments, in milliseconds since 1970; waits until they are written.

        Empty if dumpcap has ended: then they would be a part only.
        """
        if not self.running:
            return ()
        left_s = to_ms / 1000 + _WRITTEN_AFTER_S - time.time()
        time.sleep(min(max(left_s, 0.0), _WRITTEN_AFTER_S))  # dumpcap tells nobody
        return packets_between(sorted(self._folder.glob("*.pcap")), from_ms, to_ms)

    async def ended(self) -> None:
        """Return when dumpcap has ended."""
        await self._process.wait()

    async def stop(self) -> None:
        """End it, by force if it hangs."""
        if not self.running:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), _STOP_TIME_LIMIT_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


def packets_between(files: Sequence[Path], from_ms: float, to_ms: float) -> list[Packet]:
    """Those of all files, by time. A file that is gone meanwhile is left out."""
    found: list[Packet] = []
    for file in files:
        with contextlib.suppress(FileNotFoundError):
            data = file.read_bytes()
            found += (x for x in read_pcap(data) if from_ms <= x.at_ms <= to_ms)
    return sorted(found, key=lambda x: x.at_ms)
