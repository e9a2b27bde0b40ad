"""A free port for the service's HTTP, below those that outgoing connections use up."""

from __future__ import annotations

import itertools
import socket

from bridge.local_asterisk.ports import try_to_bind
from bridge.testing.softphones.ports import in_turn, own_share

# Apart from the phones' (bridge/testing/softphones/ports.py), Asterisk's and RTP's.
_PORTS = own_share(range(30000, 32000))
_TURNS = in_turn(_PORTS)


def free_http_port() -> int:
    """Of those that belong to this worker of the test run, each in its turn.

    So a service that was killed finds its port free, and nobody else answers there meanwhile.
    Another test run may still take it.
    """
    for port in itertools.islice(_TURNS, len(_PORTS)):
        try:
            try_to_bind(socket.SOCK_STREAM, "127.0.0.1", port)
        except OSError:
            continue
        return port
    raise RuntimeError("no port of 127.0.0.1 is free for HTTP")
