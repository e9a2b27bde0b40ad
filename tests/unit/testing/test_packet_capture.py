"""The packets of a failed test: cut out of a ring of files, or made of the messages."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from bridge.local_asterisk.ports import AsteriskPorts
from bridge.testing.journal import Observation, Source
from bridge.testing.pcap_file import Packet, pcap_file, read_pcap
from bridge.testing.report.writing import write_report
from bridge.testing.system.packet_capture import capture, capture_filter, packets_between

INVITE = b"E\0INVITE sip:211@pbx SIP/2.0\r\nCall-ID: over-udp\r\n\r\n"
RTP = b"E\0audio"
IP4, ARP = b"\x08\x00", b"\x08\x06"


def ethernet_file(*frames: tuple[int, bytes, bytes], order: str = "<", nano: bool = False) -> bytes:
    """As dumpcap writes it: moments in milliseconds, types, packets."""
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    parts = [struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 16384, 1)]
    for at_ms, kind, data in frames:
        rest = at_ms % 1000 * (1_000_000 if nano else 1000)
        size = 14 + len(data)
        parts.append(struct.pack(f"{order}IIII", at_ms // 1000, rest, size, size))
        parts.append(bytes(12) + kind + data)
    return b"".join(parts)


def sip(call_id: str) -> Observation:
    raw = f"BYE sip:x SIP/2.0\nCall-ID: {call_id}\n\n"
    return Observation(2_500, Source.SIP, "0003*211", "sent", "BYE sip:x SIP/2.0", raw, call_id)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nano", [False, True])
def test_given_a_file_of_dumpcap_then_its_packets_are_read(order: str, nano: bool) -> None:
    file = ethernet_file((1_001, IP4, RTP), (1_002, ARP, RTP), order=order, nano=nano)
    assert list(read_pcap(file)) == [Packet(1_001, len(RTP), RTP)]


def test_given_a_ring_of_files_then_the_packets_of_the_test_are_cut_out(tmp_path: Path) -> None:
    old, new = tmp_path / "lab_00004.pcap", tmp_path / "lab_00005.pcap"
    old.write_bytes(ethernet_file((999, IP4, RTP), (1_000, IP4, INVITE)))
    half = ethernet_file((3_001, IP4, RTP))[24:-1]
    new.write_bytes(ethernet_file((3_000, IP4, RTP), (3_002, IP4, RTP)) + half)

    found = packets_between([new, old, tmp_path / "gone.pcap"], 1_000, 3_001)

    assert found == [Packet(1_000, len(INVITE), INVITE), Packet(3_000, len(RTP), RTP)]


def test_given_something_else_than_a_capture_then_it_has_no_packets() -> None:
    for file in (b"", b"\n" * 500, ethernet_file()[:23], ethernet_file()[:20] + bytes(4)):
        assert list(read_pcap(file)) == []


def test_given_packets_then_the_report_has_them_and_the_dialogs_that_they_hide(
    tmp_path: Path,
) -> None:
    captured = [Packet(2_000, len(INVITE), INVITE), Packet(3_000, len(RTP), RTP)]
    observations = [sip("over-udp"), sip("over-tls")]

    report = write_report(observations, tmp_path, "captured", captured=captured)

    first, hidden, last = read_pcap(report.pcap.read_bytes())
    assert [first, last] == captured
    assert b"Call-ID: over-tls\r\n" in hidden.data
    assert hidden.at_ms == 2_500


def test_given_no_packets_then_the_report_has_all_messages(tmp_path: Path) -> None:
    report = write_report([sip("over-udp"), sip("over-tls")], tmp_path, "not captured")
    assert len(list(read_pcap(report.pcap.read_bytes()))) == 2
    assert report.pcap.read_bytes()[:24] == pcap_file([])


def test_given_the_ports_of_a_lab_then_nothing_else_is_captured() -> None:
    ports = AsteriskPorts(sip=5080, public_network_sip=5090, rtp_start=20000, rtp_end=20199)
    assert capture_filter(ports) == "port 5080 or port 5090 or udp portrange 20000-20199"


@pytest.mark.parametrize("does", ["exit 1", "exec sleep 60", "echo File: x >&2"])
async def test_given_a_dumpcap_that_may_not_capture_then_there_is_no_capture(
    does: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.testing.system.packet_capture._START_TIME_LIMIT_S", 0.3)
    program = tmp_path / "bin" / "dumpcap"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{does}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    found = await capture(tmp_path / "capture", "port 5060")

    # One that has begun and ended then is known as soon as somebody wants its packets.
    if found is not None:
        await found.ended()
        assert found.packets(0, 1) == ()
        assert does.startswith("echo")


async def test_given_no_dumpcap_then_there_is_no_capture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert await capture(tmp_path / "capture", "port 5060") is None
    assert not (tmp_path / "capture").exists()
