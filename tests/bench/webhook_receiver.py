"""A receiver of webhooks in a process of its own: `python -m tests.bench.webhook_receiver PORT`.

`GET /received` tells how many came; between `GET /hold` and `GET /release` none is answered.
"""

from __future__ import annotations

import asyncio
import sys

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"


class _State:
    def __init__(self) -> None:
        self.received = 0
        self.free = asyncio.Event()
        self.free.set()


async def _serve(state: _State, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            _, has_body, after = head.lower().partition(b"content-length:")
            if has_body:
                await reader.readexactly(int(after.split(b"\r\n", 1)[0]))
            body = b""
            if head.startswith(b"GET /received"):
                body = str(state.received).encode()
            elif head.startswith(b"GET /hold"):
                state.free.clear()
            elif head.startswith(b"GET /release"):
                state.free.set()
            else:
                state.received += 1
                await state.free.wait()
            writer.write(_OK % (len(body), body))
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main(port: int) -> None:
    state = _State()
    server = await asyncio.start_server(lambda r, w: _serve(state, r, w), "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
