"""The SIP messages of a journal as a file for Wireshark and sngrep, with the packets of a capture
where there is one; else as UDP over IPv4.

Phones tell their messages and not the packets. So messages that went over TCP or WebSocket are
written as UDP too, and an address that no trace tells is made up.
"""

from __future__ import annotations

import ipaddress
import re
import struct
from collections.abc import Iterable, Mapping, Sequence

from bridge.testing.journal import Observation, Source
from bridge.testing.pcap_file import SNAP, Packet, pcap_file

_IP_HEADER, _UDP_HEADER = 20, 8
_PAYLOAD_MAX = SNAP - _IP_HEADER - _UDP_HEADER
_CALL_ID = re.compile(rb"^(?:Call-ID|i):[ \t]*(\S+)", re.MULTILINE | re.IGNORECASE)
_MADE_UP_PBX = ("127.0.0.1", 5060)

Address = tuple[str, int]


def pcap_of(
    observations: Iterable[Observation],
    known: Mapping[str, Address] | None = None,
    captured: Sequence[Packet] = (),
) -> bytes:
    """`known`: the address of each phone, by its name, and that of the PBX under `pbx`.

    `captured`: the real packets of that time. The messages of a dialog that can be read there are
    left out; those over TLS and WebSocket cannot.
    """
    addresses = dict(known or {})
    readable = {x for packet in captured for x in _CALL_ID.findall(packet.data)}
    packets = list(captured)
    for one in observations:
        if one.source is not Source.SIP or not one.detail:
            continue
        phone = addresses.setdefault(one.who, _made_up(len(addresses)))
        pbx = addresses.get("pbx", _MADE_UP_PBX)
        sender, receiver = (phone, pbx) if one.outgoing else (pbx, phone)
        if one.call_id.encode() not in readable:
            packets.append(_packet(one.at_ms, sender, receiver, _on_the_wire(one.detail)))
    return pcap_file(sorted(packets, key=lambda x: x.at_ms) if captured else packets)


def _made_up(number: int) -> Address:
    return f"127.0.1.{number % 250 + 1}", 5060


def _on_the_wire(text: str) -> bytes:
    """Line ends as SIP has them."""
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()[:_PAYLOAD_MAX]


def _packet(at_ms: float, sender: Address, receiver: Address, payload: bytes) -> Packet:
    length = _IP_HEADER + _UDP_HEADER + len(payload)
    head = struct.pack(
        "!BBHHHBBH4s4s",
        *(0x45, 0, length, 0, 0, 64, 17, 0),
        _packed(sender[0]),
        _packed(receiver[0]),
    )
    head = head[:10] + struct.pack("!H", _checksum(head)) + head[12:]
    udp = struct.pack("!HHHH", sender[1], receiver[1], _UDP_HEADER + len(payload), 0)
    return Packet(at_ms, length, head + udp + payload)


def _packed(address: str) -> bytes:
    try:
        return ipaddress.IPv4Address(address).packed
    except ValueError:  # a name, or IPv6
        return ipaddress.IPv4Address("127.0.0.1").packed


def _checksum(head: bytes) -> int:
    total: int = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF
