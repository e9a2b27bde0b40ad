"""The SIP messages of a journal as a file for Wireshark and sngrep: UDP over IPv4, as pcap.

Phones tell their messages and not the frames. So messages that went over TCP or WebSocket are
written as UDP too, and an address that no trace tells is made up.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable, Mapping

from bridge.testing.journal import Observation, Source

_MAGIC_US, _LINKTYPE_RAW = 0xA1B2C3D4, 101
_SNAP = 65535
_IP_HEADER, _UDP_HEADER = 20, 8
_PAYLOAD_MAX = _SNAP - _IP_HEADER - _UDP_HEADER
_MADE_UP_PBX = ("127.0.0.1", 5060)

Address = tuple[str, int]


def pcap_of(
    observations: Iterable[Observation], known: Mapping[str, Address] | None = None
) -> bytes:
    """`known`: the address of each phone, by its name, and that of the PBX under `pbx`."""
    addresses = dict(known or {})
    frames = [struct.pack("!IHHiIII", _MAGIC_US, 2, 4, 0, 0, _SNAP, _LINKTYPE_RAW)]
    for one in observations:
        if one.source is Source.SIP and one.detail:
            phone = addresses.setdefault(one.who, _made_up(len(addresses)))
            pbx = addresses.get("pbx", _MADE_UP_PBX)
            sender, receiver = (phone, pbx) if one.outgoing else (pbx, phone)
            frames.append(_frame(one.at_ms, sender, receiver, _on_the_wire(one.detail)))
    return b"".join(frames)


def _made_up(number: int) -> Address:
    return f"127.0.1.{number % 250 + 1}", 5060


def _on_the_wire(text: str) -> bytes:
    """Line ends as SIP has them."""
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()[:_PAYLOAD_MAX]


def _frame(at_ms: float, sender: Address, receiver: Address, payload: bytes) -> bytes:
    length = _IP_HEADER + _UDP_HEADER + len(payload)
    head = struct.pack(
        "!BBHHHBBH4s4s",
        *(0x45, 0, length, 0, 0, 64, 17, 0),
        _packed(sender[0]),
        _packed(receiver[0]),
    )
    head = head[:10] + struct.pack("!H", _checksum(head)) + head[12:]
    udp = struct.pack("!HHHH", sender[1], receiver[1], _UDP_HEADER + len(payload), 0)
    seconds, rest_ms = divmod(at_ms, 1000)
    record = struct.pack("!IIII", int(seconds), int(rest_ms * 1000), length, length)
    return record + head + udp + payload


def _packed(address: str) -> bytes:
    try:
        return ipaddress.IPv4Address(address).packed
    except ValueError:  # a name, or IPv6
        return ipaddress.IPv4Address("127.0.0.1").packed


def _checksum(head: bytes) -> int:
    total: int = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF
