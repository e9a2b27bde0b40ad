"""A free port for the service's HTTP, below those that outgoing connections use up."""

from __future__ import annotations

import random
import socket

# Apart from the phones' (bridge/testing/softphones/ports.py), Asterisk's and RTP's.
_LOW, _HIGH = 30000, 32000


def free_http_port() -> int:
    """Nothing reserves it, so that another process may still take it in the next moment."""
    while True:
        port = random.randrange(_LOW, _HIGH)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
