"""Free loopback ports for phones."""

from __future__ import annotations

import random
import socket

LOOPBACK = "127.0.0.1"

_ATTEMPTS = 200
# Below the ports of outgoing connections, and apart from those of the labs and of RTP.
_LOW, _HIGH = 6000, 10998


def free_port() -> int:
    """A port of 127.0.0.1 on which neither UDP nor TCP is bound at this moment, nor on the next.

    baresip takes the next one for TLS. Nothing reserves them, so whoever binds them must be ready
    to ask for others.
    """
    for _ in range(_ATTEMPTS):
        port = random.randrange(_LOW, _HIGH, 2)
        if _is_free(port) and _is_free(port + 1):
            return port
    raise RuntimeError(f"no port of {LOOPBACK} is free for both UDP and TCP")


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind is socket.SOCK_STREAM:
                # As those who bind it do; else connections that are closing count as taken.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                return False
    return True
