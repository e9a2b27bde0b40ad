"""AMI by hand: what somebody would write who needs nothing but to place and to end calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

Message = dict[str, str]
_ANSWER_LIMIT_S = 30


class BareAmi(asyncio.Protocol):
    """One connection. `on_event` receives every event."""

    def __init__(self, on_event: Callable[[Message], None]) -> None:
        self.on_event = on_event
        self.on_block: Callable[[bytes], None] | None = None
        self._rest = b""
        self._actions = 0
        self._answers: dict[str, asyncio.Future[Message]] = {}

    @classmethod
    async def connect(
        cls, host: str, port: int, secret: str, on_event: Callable[[Message], None]
    ) -> BareAmi:
        loop = asyncio.get_running_loop()
        _, ami = await loop.create_connection(lambda: cls(on_event), host, port)
        answer = await ami.send("Login", f"Username: bridge\r\nSecret: {secret}\r\n")
        assert answer["Response"] == "Success", answer
        return ami

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def close(self) -> None:
        self._transport.close()

    async def send(self, action: str, headers: str = "") -> Message:
        """`headers`: each line ends in CR LF. The first answer to it."""
        self._actions += 1
        action_id = f"b{self._actions}"
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._answers[action_id] = answer
        text = f"Action: {action}\r\nActionID: {action_id}\r\n{headers}\r\n"
        self._transport.write(text.encode())
        async with asyncio.timeout(_ANSWER_LIMIT_S):
            return await answer

    def data_received(self, data: bytes) -> None:
        *blocks, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for block in blocks:
            message: Message = {}
            for line in block.decode().split("\r\n"):
                name, _, value = line.partition(": ")
                message[name] = value
            if "Event" in message:
                if self.on_block is not None:
                    self.on_block(block)
                self.on_event(message)
            elif (answer := self._answers.pop(message.get("ActionID", ""), None)) is not None:
                answer.set_result(message)
