"""One dialog of a PlainPhone, and what is sent within it."""

from __future__ import annotations

import asyncio
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from .rtp_stream import RtpStream
from .sip_message import SipMessage

if TYPE_CHECKING:
    from .plain_phone import PlainPhone

_URI = re.compile(r"<([^>]+)>")
_UNDER_WAY = (491, 500)
_ASKED_MAX = 20
_ASKED_AGAIN_S = 0.2


def uri_of(header: str) -> str:
    """The address of a Contact, From or To."""
    found = _URI.search(header)
    return found[1] if found else header.partition(";")[0].strip()


def content(body: str, *, is_sdp: bool = True) -> str:
    """The last headers of a message with that body, or with none, and it."""
    kind = "Content-Type: application/sdp\r\n" if body and is_sdp else ""
    return f"{kind}Content-Length: {len(body)}\r\n\r\n{body}"


def new_token() -> str:
    return secrets.token_hex(6)


@dataclass(eq=False)
class PlainCall:
    """`local` and `remote` are From and To of our requests; `final` is the last status seen,
    `transfer_status` that of a transfer which has ended.
    `early`: the To of who rings. `routes`: the proxies that want to see what is sent within it."""

    phone: PlainPhone
    call_id: str
    local: str
    remote: str
    target: str
    arrived: SipMessage | None = None
    cseq: int = 1
    branch: str = ""
    early: str = ""
    final: int = 0
    transfer_status: int = 0
    peer_media: tuple[str, int] | None = None
    audio: RtpStream | None = None
    routes: tuple[str, ...] = ()
    rung: asyncio.Event = field(default_factory=asyncio.Event)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    acknowledged: asyncio.Event = field(default_factory=asyncio.Event)
    transferred: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def incoming(self) -> bool:
        return self.arrived is not None

    @property
    def waits(self) -> bool:
        """It rings here, or there."""
        return not self.answered.is_set() and not self.over.is_set()

    def request_text(
        self,
        method: str,
        *,
        branch: str,
        more: str = "",
        body: str = "",
        cseq: int = 0,
        to: str = "",
    ) -> str:
        """A request within it, or the one that begins it; `more` whole header lines."""
        via = f"SIP/2.0/{self.phone.via_transport} {self.phone.via_host}"
        routes = "".join(f"Route: {x}\r\n" for x in self.routes)
        return (
            f"{method} {self.target} SIP/2.0\r\n"
            f"Via: {via};rport;branch=z9hG4bK{branch}\r\n{routes}"
            f"From: {self.local}\r\nTo: {to or self.remote}\r\nCall-ID: {self.call_id}\r\n"
            f"CSeq: {cseq or self.cseq} {method}\r\nMax-Forwards: 70\r\n"
            f"Contact: <{self.phone.contact}>\r\n{more}"
            + content(body, is_sdp="content-type:" not in more.lower())
        )

    def learn(self, message: SipMessage) -> None:
        """From a response to our INVITE, or from the INVITE that arrived."""
        if not self.routes:
            named = ",".join(message.header_values("record-route"))
            routes = tuple(x.strip() for x in named.split(",") if x.strip())
            self.routes = routes if message.is_request else routes[::-1]
        if message.header("contact"):
            self.target = uri_of(message.header("contact"))
        port = message.media_port("audio")
        if port:
            found = re.search(r"^c=IN IP4 (\S+)", message.body, re.MULTILINE)
            self.peer_media = (found[1] if found else "127.0.0.1", port)

    async def accept(self) -> None:
        """200 with our audio. Returns once the ACK is due to come."""
        assert self.arrived is not None
        self.phone.reply(self.arrived, 200, self, self.phone.sdp())
        self.answered.set()
        self.phone.talk(self)

    def refuse(self, status: int) -> None:
        assert self.arrived is not None
        self.phone.reply(self.arrived, status, self)
        self.final = status
        self.over.set()

    async def hang_up(self) -> None:
        """CANCEL, a refusal or BYE, as a phone does when the handset is put down."""
        if self.over.is_set():
            return
        if self.answered.is_set():
            self.over.set()
            await self.phone.request("BYE", self)
        elif self.incoming:
            self.refuse(603)
        else:
            self.phone.cancel(self)
            async with asyncio.timeout(5):
                await self.over.wait()

    async def refer(self, number: str) -> int:
        """Blind transfer of the other side; the status of the REFER."""
        return await self._refer(self.phone.address_of(number))

    async def refer_to(self, other: PlainCall) -> int:
        """Attended transfer: connects this call's other side with that of `other`."""
        return await self._refer(
            f"{uri_of(other.remote)}?Replaces={quote(other.replaces, safe='')}"
        )

    @property
    def replaces(self) -> str:
        """Names this dialog to the server, whose tag is the to-tag."""
        answered = self.incoming or self.answered.is_set()
        ours, theirs = _tag(self.local), _tag(self.remote if answered else self.early)
        return f"{self.call_id};to-tag={theirs};from-tag={ours}"

    async def hold(self, *, resumed: bool = False) -> None:
        """Returns when the other side has agreed.

        It is asked again while it says that another INVITE is under way (RFC 3261, 14.2): it may
        have got this one before the ACK of the last.
        """
        mode = "sendrecv" if resumed else "sendonly"
        for _ in range(_ASKED_MAX):
            response = await self.phone.request("INVITE", self, body=self.phone.sdp(mode))
            if response.status not in _UNDER_WAY:
                break
            await asyncio.sleep(_ASKED_AGAIN_S)  # as the answer demands
        assert response.status == 200, response.start_line

    async def _refer(self, target: str) -> int:
        more = f"Refer-To: <{target}>\r\nReferred-By: <{self.phone.contact}>\r\n"
        return (await self.phone.request("REFER", self, more=more)).status


def _tag(header: str) -> str:
    found = re.search(r";tag=([^;>\s]+)", header)
    return found[1] if found else ""
