"""Free ports for an Asterisk of a test."""

from __future__ import annotations

import errno
import random
import socket

from bridge.local_asterisk.ports import (
    RTP_BLOCK,
    AsteriskPorts,
    management_address,
    try_to_bind,
)
from bridge.testing.softphones.ports import own_share

# The range of outgoing connections is above.
_BELOW_OUTGOING = range(11_000, 19_000)


def free_asterisk_ports(
    *, bind_address: str = "127.0.0.1", public_network_address: str = "127.0.0.2"
) -> AsteriskPorts:
    """Of those that belong to this worker of the test run: no other takes them before Asterisk.

    RTP ranges are drawn at random; should two overlap, Asterisk takes the next port, so nothing
    breaks.
    """
    left = own_share(_BELOW_OUTGOING)
    random.shuffle(left)
    beside = AsteriskPorts(bind_address=bind_address, public_network_address=public_network_address)
    sip = _free_port(
        left, *dict.fromkeys((bind_address, beside.trunk_address, public_network_address))
    )
    rtp_start = 20000 + RTP_BLOCK * random.randrange(50)
    return AsteriskPorts(
        bind_address=bind_address,
        sip=sip,
        http=_free_port(left, management_address(bind_address)),
        ami=_free_port(left, management_address(bind_address)),
        rtp_start=rtp_start,
        rtp_end=rtp_start + RTP_BLOCK - 1,
        public_network_address=public_network_address,
        public_network_sip=(
            _free_port(left, public_network_address)
            if beside.takes(public_network_address)
            else sip
        ),
    )


def _free_port(left: list[int], *addresses: str) -> int:
    """Taken out of `left`: a port that is free for UDP and TCP on all addresses."""
    while left:
        port = left.pop()
        if all(_is_free(address, port) for address in addresses):
            return port
    raise OSError(errno.EADDRINUSE, f"no free port found on {', '.join(addresses)}")


def _is_free(address: str, port: int) -> bool:
    try:
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            try_to_bind(kind, address, port)
    except OSError:
        return False
    return True
