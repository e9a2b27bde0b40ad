"""A SIP phone of our own: it sends what no softphone does, such as INVITE with Replaces.

UDP, TCP or WebSocket, digest, no retransmission but of requests; it hears nothing, and says silence
and digits.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

from .plain_call import PlainCall, content, new_token, uri_of
from .plain_transport import TransportName, transport_to
from .ports import address_towards
from .rtp_stream import RtpStream
from .sip_digest import credentials
from .sip_message import SipMessage, parse_sip_message

_ANSWER_LIMIT_S = 20.0
_SEND_AGAIN_S = 0.5
_SENT_MAX = 20
_RINGS_S = 60.0
_CHALLENGES = (401, 407)


class PlainPhone:
    """`answers_after_s`: it picks up by itself; `refuses_with`: or answers with that status.

    Without either it rings until somebody does something.
    """

    def __init__(
        self,
        user: str,
        secret: str,
        server: tuple[str, int],
        transport: TransportName = "udp",
    ) -> None:
        self.user = user
        self.answers_after_s: float | None = None
        self.refuses_with = 0
        self.calls: list[PlainCall] = []
        self._secret = secret
        self._server = server
        self._transport = transport_to(transport, server, self.take)
        self._media = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._media.setblocking(False)
        self._responses: dict[tuple[str, str], asyncio.Queue[SipMessage]] = {}
        self._replied: dict[str, str] = {}
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Open the ports and register."""
        await self.open()
        response = await self.register()
        assert response.status == 200, response.start_line

    async def open(self) -> None:
        """Open the ports only."""
        self._media.bind((address_towards(self._server[0]), 0))
        await self._transport.open()

    async def register(self, expires_s: int = 3600) -> SipMessage:
        """The final response. 0 seconds: it leaves."""
        return await self.request("REGISTER", self.outside(""), more=f"Expires: {expires_s}\r\n")

    async def move(self, server: tuple[str, int]) -> None:
        """Register at another server: over UDP from the same port, else by a new connection."""
        self._server = server
        await self._transport.turn_to(server)
        response = await self.register()
        assert response.status == 200, response.start_line

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._transport.close()
        self._media.close()

    def forget_calls(self) -> None:
        """As after a restart; it rings until told otherwise."""
        self.calls.clear()
        self.answers_after_s = None
        self.refuses_with = 0

    @property
    def contact(self) -> str:
        transport = self._transport
        # Of a secure WebSocket, too, it is `ws` (RFC 7118, 5.2.4).
        name = "ws" if transport.name == "wss" else transport.name
        kind = "" if name == "udp" else f";transport={name}"
        return f"sip:{self.user}@{self.via_host}{kind}"

    @property
    def via_host(self) -> str:
        return f"{self._transport.local[0]}:{self._transport.local[1]}"

    @property
    def via_transport(self) -> str:
        return self._transport.name.upper()

    def address_of(self, number: str) -> str:
        return f"sip:{number}@{self._server[0]}:{self._server[1]}"

    def sdp(self, mode: str = "sendrecv") -> str:
        host, port = self._media.getsockname()
        return (
            f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n"
            f"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na={mode}\r\n"
        )

    async def dial(self, number: str, more: str = "") -> PlainCall:
        """Send an INVITE, with `more` header lines; returns once the server has begun on it."""
        call = self.outside(number)
        self.calls.append(call)
        begun = asyncio.Event()
        self._spawn(self._invite(call, more, begun))
        async with asyncio.timeout(_ANSWER_LIMIT_S):
            await begun.wait()
        return call

    async def ringing(self, timeout_s: float = 20.0) -> PlainCall:
        """The newest call that rings here, as soon as there is one."""
        return await self._wait_call(lambda x: x.incoming and x.waits, timeout_s, "does not ring")

    async def free(self, timeout_s: float = 20.0) -> None:
        """Once none of its calls lives."""
        async with asyncio.timeout(timeout_s):
            while any(not x.over.is_set() for x in self.calls):
                await self._next_change()

    async def press(self, digits: str, call: PlainCall) -> None:
        """Digits in the audio of an answered call."""
        assert call.audio is not None
        await call.audio.press(digits)

    def talk(self, call: PlainCall) -> None:
        """Send audio until the call is over."""
        assert call.peer_media is not None
        call.audio = RtpStream(self._media, call.peer_media)
        self._spawn(call.audio.run(call.over))

    def cancel(self, call: PlainCall) -> None:
        self._send(call.request_text("CANCEL", branch=call.branch))

    async def request(
        self, method: str, call: PlainCall, *, more: str = "", body: str = ""
    ) -> SipMessage:
        """The final response; credentials are sent where they are asked for."""
        response = await self._transaction(method, call, more, body)
        if response.status in _CHALLENGES:
            more += credentials(self.user, self._secret, method, call.target, response)
            response = await self._transaction(method, call, more, body)
        return response

    # -- what comes in

    def take(self, data: bytes) -> None:
        """A message as it came."""
        if len(data) < 8:
            return
        message = parse_sip_message(data.decode(), sent=False)
        if not message.is_request:
            waiting = self._responses.get((message.call_id, message.cseq))
            if waiting is not None:
                waiting.put_nowait(message)
            return
        if again := self._replied.get(_transaction_of(message)):
            self._send(again)
        elif message.method == "INVITE":
            self._arrived(message)
        elif message.method != "ACK":
            self._in_dialog(message)
        elif (call := self._call(message)) is not None:
            call.acknowledged.set()

    def _arrived(self, message: SipMessage) -> None:
        if not message.opens_dialog:
            call = self._call(message)
            if call is not None:
                call.learn(message)
            self.reply(message, 200, call, self.sdp())
            return
        call = PlainCall(
            self,
            message.call_id,
            local=f"{message.header('to')};tag={new_token()}",
            remote=message.header("from"),
            target=uri_of(message.header("contact")),
            arrived=message,
        )
        call.learn(message)
        self.calls.append(call)
        if self.refuses_with:
            call.refuse(self.refuses_with)
            return
        self.reply(message, 180, call)
        self._tell()
        if self.answers_after_s is not None:
            self._spawn(self._answer(call, self.answers_after_s))

    async def _answer(self, call: PlainCall, after_s: float) -> None:
        await asyncio.sleep(after_s)  # how long it rings
        if call.waits:
            await call.accept()
            self._tell()

    def _in_dialog(self, message: SipMessage) -> None:
        call = self._call(message)
        self.reply(message, 200, call)
        if call is None:
            return
        if message.method == "CANCEL":
            assert call.arrived is not None
            self.reply(call.arrived, 487, call)
        if message.method in ("CANCEL", "BYE"):
            call.over.set()
        if message.method == "NOTIFY" and message.sipfrag_status >= 200:
            call.transfer_status = message.sipfrag_status
            call.transferred.set()
        self._tell()

    def reply(
        self, message: SipMessage, status: int, call: PlainCall | None = None, body: str = ""
    ) -> None:
        """Answer a request; the same again where it comes again."""
        to = call.local if call is not None and call.incoming else message.header("to")
        if call is not None and not call.incoming:
            to = message.header("to")
        via = "".join(f"Via: {x}\r\n" for x in message.header_values("via"))
        via += "".join(f"Record-Route: {x}\r\n" for x in message.header_values("record-route"))
        text = (
            f"SIP/2.0 {status} x\r\n{via}From: {message.header('from')}\r\nTo: {to}\r\n"
            f"Call-ID: {message.call_id}\r\nCSeq: {message.cseq}\r\n"
            f"Contact: <{self.contact}>\r\n{content(body)}"
        )
        self._replied[_transaction_of(message)] = text
        self._send(text)

    # -- what goes out

    async def _invite(self, call: PlainCall, more: str, begun: asyncio.Event) -> None:
        """Until the final response; `begun` comes with the first response after the challenges."""
        try:
            response = await self._transaction("INVITE", call, more, self.sdp(), begun)
            if response.status in _CHALLENGES:
                more += credentials(self.user, self._secret, "INVITE", call.target, response)
                response = await self._transaction("INVITE", call, more, self.sdp(), begun)
            call.final = response.status
            (call.answered if response.status < 300 else call.over).set()
            if call.answered.is_set():
                self.talk(call)
        finally:
            begun.set()
            self._tell()

    async def _transaction(
        self,
        method: str,
        call: PlainCall,
        more: str,
        body: str,
        begun: asyncio.Event | None = None,
    ) -> SipMessage:
        call.cseq += 1
        branch = new_token()
        if method == "INVITE":
            call.branch = branch
        text = call.request_text(method, branch=branch, more=more, body=body)
        key = call.call_id, f"{call.cseq} {method}"
        cseq = call.cseq
        waiting = self._responses[key] = asyncio.Queue()
        self._send(text)
        sent, limit_s = 1, _SEND_AGAIN_S
        try:
            while True:
                try:
                    response = await asyncio.wait_for(waiting.get(), limit_s)
                except TimeoutError:
                    if limit_s == _RINGS_S or sent == _SENT_MAX:
                        raise
                    sent += 1
                    self._send(text)
                    continue
                limit_s = _RINGS_S
                if method == "INVITE":
                    self._responded(call, response, cseq, begun)
                if response.status >= 200:
                    return response
        finally:
            # The server may send its answer again; nobody waits for that.
            self._responses.pop(key, None)

    def _responded(
        self, call: PlainCall, response: SipMessage, cseq: int, begun: asyncio.Event | None
    ) -> None:
        if response.status in (180, 183):
            call.early = response.header("to")
            call.rung.set()
        if response.status not in _CHALLENGES and begun is not None:
            begun.set()
        if response.status >= 200:
            branch = call.branch if response.status >= 300 else new_token()
            if response.status < 300:
                call.remote = response.header("to")
                call.learn(response)
            to = response.header("to")
            self._send(call.request_text("ACK", branch=branch, cseq=cseq, to=to))

    def outside(self, number: str) -> PlainCall:
        """The dialog of a request to that number; without one to the server itself, of us."""
        us = self.address_of(self.user)
        target = self.address_of(number) if number else f"sip:{self._server[0]}:{self._server[1]}"
        return PlainCall(
            self,
            f"{new_token()}@127.0.0.1",
            local=f"<{us}>;tag={new_token()}",
            remote=f"<{target if number else us}>",
            target=target,
        )

    def _call(self, message: SipMessage) -> PlainCall | None:
        return next((x for x in self.calls if x.call_id == message.call_id), None)

    async def _wait_call(
        self, wanted: Callable[[PlainCall], bool], timeout_s: float, otherwise: str
    ) -> PlainCall:
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    for call in reversed(self.calls):
                        if wanted(call):
                            return call
                    await self._next_change()
        except TimeoutError:
            raise AssertionError(f"{self.user} {otherwise}") from None

    async def _next_change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _tell(self) -> None:
        self._changed.set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _send(self, text: str) -> None:
        self._transport.send(text)


def _transaction_of(message: SipMessage) -> str:
    return f"{message.header('via')} {message.cseq}"
