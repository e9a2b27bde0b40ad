"""Free loopback ports for phones."""

from __future__ import annotations

import socket

LOOPBACK = "127.0.0.1"

_ATTEMPTS = 50


def free_port() -> int:
    """A port of 127.0.0.1 on which neither UDP nor TCP is bound at this moment.

    Nothing reserves it, so whoever binds it must be ready to ask for another one.
    """
    for _ in range(_ATTEMPTS):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
            tcp.bind((LOOPBACK, 0))
            port: int = tcp.getsockname()[1]
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                try:
                    udp.bind((LOOPBACK, port))
                except OSError:
                    continue
            return port
    raise RuntimeError(f"no port of {LOOPBACK} is free for both UDP and TCP")
