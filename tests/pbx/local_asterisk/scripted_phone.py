"""A phone of a few lines of SIP over UDP: what it is sent can be read, what it does is told.

It has no audio and no registration; its AOR in Asterisk has its address as a contact.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import re
from dataclasses import dataclass, field
from typing import cast

_serial = itertools.count(random.randrange(1_000_000))


@dataclass
class Message:
    """A SIP request or response; `head` is its first line."""

    head: str
    headers: dict[str, list[str]]
    body: str

    @property
    def method(self) -> str:
        return self.head.split(" ", 1)[0]

    @property
    def code(self) -> int:
        """The status of a response; 0 for a request."""
        return int(self.head.split(" ")[1]) if self.head.startswith("SIP/2.0") else 0

    def get(self, name: str) -> str:
        return self.headers.get(name.lower(), [""])[0]


def parse(data: bytes) -> Message:
    top, _, body = data.decode().partition("\r\n\r\n")
    head, *lines = top.split("\r\n")
    headers: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers.setdefault(name.strip().lower(), []).append(value.strip())
    return Message(head, headers, body)


@dataclass
class Dialog:
    """One call. `arrived` is the INVITE it began with, if it came to us."""

    call_id: str
    local: str
    remote: str
    target: str
    cseq: int = 100
    arrived: Message | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    end_reason: str = ""
    status: int = 0
    got_status: asyncio.Event = field(default_factory=asyncio.Event)


class ScriptedPhone(asyncio.DatagramProtocol):
    """Answers an INVITE with `answer` (a final status; None: rings on) after `ring_s`."""

    def __init__(self, name: str, server: tuple[str, int]) -> None:
        self.name = name
        self.server = server
        self.answer: int | None = 200
        self.ring_s = 0.0
        self.calls: asyncio.Queue[Dialog] = asyncio.Queue()
        self.notified: asyncio.Queue[str] = asyncio.Queue()
        self.dialogs: dict[str, Dialog] = {}
        self.address = ("127.0.0.1", 0)
        self._transport: asyncio.DatagramTransport | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def contact(self) -> str:
        return f"sip:{self.name}@{self.address[0]}:{self.address[1]}"

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.address = transport.get_extra_info("sockname")

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        message = parse(data)
        if message.code:
            self._response(message)
        elif message.method == "INVITE":
            self._invite(message)
        elif message.method == "CANCEL":
            self._reply(message, 200)
            self._finish(message)
            if dialog := self.dialogs.get(message.get("call-id")):
                assert dialog.arrived is not None
                self._reply(dialog.arrived, 487, dialog)
        elif message.method == "BYE":
            self._reply(message, 200)
            self._finish(message)
        elif message.method == "NOTIFY":
            self._reply(message, 200)
            self.notified.put_nowait(message.body.strip())
        elif message.method != "ACK":
            self._reply(message, 200)

    async def dial(self, number: str) -> Dialog:
        """INVITE number at the server; returns at once, see Dialog.got_status."""
        serial = next(_serial)
        target = f"sip:{number}@{self.server[0]}:{self.server[1]}"
        local = f"<sip:{self.name}@{self.server[0]}>;tag=t{serial}"
        dialog = Dialog(f"c{serial}@127.0.0.1", local, f"<{target}>", target)
        self.dialogs[dialog.call_id] = dialog
        self._request("INVITE", dialog, body=self._sdp())
        return dialog

    async def final_status(self, dialog: Dialog, timeout_s: float = 20) -> int:
        await asyncio.wait_for(dialog.got_status.wait(), timeout_s)
        return dialog.status

    async def next_call(self, timeout_s: float = 15) -> Dialog:
        return await asyncio.wait_for(self.calls.get(), timeout_s)

    async def hang_up(self, dialog: Dialog) -> None:
        self._request("BYE", dialog)

    async def refer(self, dialog: Dialog, number: str) -> int:
        """Blind transfer; returns the status of the REFER."""
        dialog.got_status.clear()
        to = f"<sip:{number}@{self.server[0]}:{self.server[1]}>"
        self._request("REFER", dialog, f"Refer-To: {to}\r\nReferred-By: <{self.contact}>\r\n")
        return await self.final_status(dialog)

    def _invite(self, message: Message) -> None:
        call_id = message.get("call-id")
        if call_id in self.dialogs:  # a re-INVITE
            self._reply(message, 200, self.dialogs[call_id], self._sdp())
            return
        target = re.sub(r".*<(.*?)>.*", r"\1", message.get("contact"))
        local = f"{message.get('to')};tag=t{next(_serial)}"
        dialog = Dialog(call_id, local, message.get("from"), target, arrived=message)
        self.dialogs[call_id] = dialog
        self.calls.put_nowait(dialog)
        self._reply(message, 180, dialog)
        if self.answer is not None:
            task = asyncio.get_running_loop().create_task(self._answer(message, dialog))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, message: Message, dialog: Dialog) -> None:
        await asyncio.sleep(self.ring_s)  # how long it rings
        if not dialog.ended.is_set() and self.answer is not None:
            self._reply(message, self.answer, dialog, self._sdp() if self.answer == 200 else "")

    def _response(self, message: Message) -> None:
        dialog = self.dialogs.get(message.get("call-id"))
        if dialog is None or message.code < 180:
            return
        if message.code < 200:
            return
        if "INVITE" in message.get("cseq"):
            dialog.remote = message.get("to")
            number = message.get("cseq").split()[0]
            if message.code < 300:
                dialog.target = re.sub(r".*<(.*?)>.*", r"\1", message.get("contact"))
            self._send(self._line("ACK", dialog, cseq=int(number)))
        dialog.status = message.code
        dialog.got_status.set()

    def _finish(self, message: Message) -> None:
        if dialog := self.dialogs.get(message.get("call-id")):
            dialog.end_reason = message.get("reason")
            dialog.ended.set()

    def _request(self, method: str, dialog: Dialog, extra: str = "", body: str = "") -> None:
        dialog.cseq += 1
        self._send(self._line(method, dialog, extra=extra, body=body))

    def _line(
        self, method: str, dialog: Dialog, *, cseq: int = 0, extra: str = "", body: str = ""
    ) -> str:
        content = "Content-Type: application/sdp\r\n" if body else ""
        host = f"{self.address[0]}:{self.address[1]}"
        return (
            f"{method} {dialog.target} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {host};branch=z9hG4bK{next(_serial)}\r\n"
            f"From: {dialog.local}\r\nTo: {dialog.remote}\r\nCall-ID: {dialog.call_id}\r\n"
            f"CSeq: {cseq or dialog.cseq} {method}\r\nMax-Forwards: 70\r\n"
            f"Contact: <{self.contact}>\r\n{extra}{content}"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )

    def _reply(
        self, request: Message, code: int, dialog: Dialog | None = None, body: str = ""
    ) -> None:
        via = "".join(f"Via: {value}\r\n" for value in request.headers["via"])
        content = "Content-Type: application/sdp\r\n" if body else ""
        self._send(
            f"SIP/2.0 {code} x\r\n{via}From: {request.get('from')}\r\n"
            f"To: {dialog.local if dialog and dialog.arrived else request.get('to')}\r\n"
            f"Call-ID: {request.get('call-id')}\r\nCSeq: {request.get('cseq')}\r\n"
            f"Contact: <{self.contact}>\r\n{content}Content-Length: {len(body)}\r\n\r\n{body}"
        )

    def _sdp(self) -> str:
        return (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {40000 + 2 * (self.address[1] % 5000)} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
        )

    def _send(self, text: str) -> None:
        if self._transport is not None:
            self._transport.sendto(text.encode(), self.server)
