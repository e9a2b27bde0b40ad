"""Free loopback ports for phones."""

from __future__ import annotations

import itertools
import os
import random
import socket
from collections.abc import Iterator

LOOPBACK = "127.0.0.1"

_ATTEMPTS = 200
# Below the ports of outgoing connections, apart from those of the labs and of RTP. Every fourth:
# a phone takes up to three.
_PORTS = range(6000, 10998, 4)


def address_towards(server: str) -> str:
    """The address of this machine from which the server is reached; 127.0.0.1 for loopback."""
    host = server.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((host, 5060))  # of UDP: nothing is sent
        address = str(probe.getsockname()[0])
    return LOOPBACK if address.startswith("127.") else address


def own_share(ports: range) -> list[int]:
    """Those that belong to this one of the workers of this test run.

    Two runs at the same time have none in common, if one has `UAPI_TEST_RUN=1/2` in its environment
    and the other 2/2.
    """
    run, runs = (int(x) for x in os.environ.get("UAPI_TEST_RUN", "1/1").split("/"))
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    return list(ports)[run - 1 :: runs][worker::workers]


def in_turn(ports: list[int]) -> Iterator[int]:
    """Each of them, again and again, from one at random."""
    start = random.randrange(len(ports))  # another test run may be under way
    return itertools.cycle(ports[start:] + ports[:start])


_TURNS = in_turn(own_share(_PORTS))


def free_port() -> int:
    """A port of 127.0.0.1 on which neither UDP nor TCP is bound at this moment.

    The two ports after it are kept free too: baresip takes the next for TLS, SIPp the one after for
    video. They are given out in turn, so that two who have not bound theirs yet never have the
    same. Another test run may still take it: whoever binds it must be ready to ask for another.
    """
    for port in itertools.islice(_TURNS, _ATTEMPTS):
        if all(_is_free(port + more) for more in range(3)):
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
