"""Packets of IP, and files of them as Wireshark, sngrep and dumpcap have them (pcap)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_MAGIC_US, _MAGIC_NS = 0xA1B2C3D4, 0xA1B23C4D
_RAW, _ETHERNET = 101, 1
_ETHERNET_HEADER = 14
_IP_TYPES = (b"\x08\x00", b"\x86\xdd")
_FILE_HEADER, _RECORD_HEADER = 24, 16
SNAP = 65535


class Packet(NamedTuple):
    """`at_ms`: milliseconds since 1970. `length`: bytes on the wire. `data`: from the IP header on,
    perhaps fewer bytes."""

    at_ms: float
    length: int
    data: bytes


def pcap_file(packets: Iterable[Packet]) -> bytes:
    """A file of these packets, in that order."""
    parts = [struct.pack("!IHHiIII", _MAGIC_US, 2, 4, 0, 0, SNAP, _RAW)]
    for at_ms, length, data in packets:
        seconds, rest_us = divmod(round(at_ms * 1000), 1_000_000)
        parts += [struct.pack("!IIII", seconds, rest_us, len(data), length), data]
    return b"".join(parts)


def read_pcap(file: bytes) -> Iterator[Packet]:
    """The packets of IP in a file, raw or over Ethernet; of another kind of file none.

    The last record may be half written.
    """
    order = _byte_order(file)
    if order is None:
        return
    magic, *_, link = struct.unpack_from(f"{order}IHHiIII", file)
    if link not in (_RAW, _ETHERNET):
        return
    per_ms = 1_000_000 if magic == _MAGIC_NS else 1000
    place = _FILE_HEADER
    while place + _RECORD_HEADER <= len(file):
        seconds, fraction, kept, length = struct.unpack_from(f"{order}IIII", file, place)
        place += _RECORD_HEADER
        data = file[place : place + kept]
        if len(data) < kept:
            return
        place += kept
        at_ms = seconds * 1000 + fraction / per_ms
        if link == _RAW:
            yield Packet(at_ms, length, data)
        elif data[12:_ETHERNET_HEADER] in _IP_TYPES:
            yield Packet(at_ms, length - _ETHERNET_HEADER, data[_ETHERNET_HEADER:])


def _byte_order(file: bytes) -> str | None:
    if len(file) < _FILE_HEADER:
        return None
    for order in "<>":
        if struct.unpack_from(f"{order}I", file)[0] in (_MAGIC_US, _MAGIC_NS):
            return order
    return None
