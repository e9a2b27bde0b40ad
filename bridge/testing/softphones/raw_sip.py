"""SIP requests word for word as written, from whatever address, without credentials."""

from __future__ import annotations

import asyncio
import socket
from uuid import uuid4

_ANSWER_LIMIT_S = 20.0
_SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 45950 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)


def request(
    method: str, number: str, *, sender: str, via: str = "UDP 127.0.0.1", more: str = ""
) -> str:
    """`sender` is the value of From without its tag; `more` whole header lines."""
    uri = f"sip:{number}@127.0.0.1"
    body = _SDP if method == "INVITE" else ""
    to = sender if method == "REGISTER" else f"<{uri}>"
    return (
        f"{method} {uri} SIP/2.0\r\n"
        f"Via: SIP/2.0/{via};rport;branch=z9hG4bK{uuid4().hex}\r\n"
        f"From: {sender};tag={uuid4().hex[:8]}\r\nTo: {to}\r\n"
        f"Call-ID: {uuid4().hex}\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\n"
        f"Contact: <sip:stranger@127.0.0.1:5999>\r\n{more}"
        + ("Content-Type: application/sdp\r\n" if body else "")
        + f"Content-Length: {len(body)}\r\n\r\n{body}"
    )


def status(answer: str) -> int:
    return int(answer.split(" ")[1])


class RawSip:
    """One UDP socket. Use as ``with``."""

    def __init__(self, server: tuple[str, int], address: str = "127.0.0.77") -> None:
        self._server = server
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((address, 0))

    def __enter__(self) -> RawSip:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    async def status(self, text: str) -> int:
        """The first final status of the request; an accepted INVITE is left to time out."""
        return status(await self.response(text))

    async def response(self, text: str) -> str:
        """As `status`: the whole response."""
        loop = asyncio.get_running_loop()
        call_id = next(x for x in text.split("\r\n") if x.startswith("Call-ID:"))
        async with asyncio.timeout(_ANSWER_LIMIT_S):
            await loop.sock_sendto(self._socket, text.encode(), self._server)
            while True:
                answer = (await loop.sock_recv(self._socket, 65_535)).decode()
                if call_id in answer and answer.startswith("SIP/2.0") and status(answer) >= 200:
                    if text.startswith("INVITE"):
                        await loop.sock_sendto(
                            self._socket, _ack(text, answer).encode(), self._server
                        )
                    return answer


def _ack(invite: str, answer: str) -> str:
    """For a refusal: the INVITE's own headers, with the To of the answer (RFC 3261, 17.1.1.3)."""
    to = next(x for x in answer.split("\r\n") if x.startswith("To:"))
    kept = [
        x
        for x in invite.partition("\r\n\r\n")[0].split("\r\n")
        if x.split(":")[0] in ("Via", "From", "Call-ID", "Max-Forwards")
    ]
    uri = invite.split(" ")[1]
    return "\r\n".join(
        [f"ACK {uri} SIP/2.0", *kept, to, "CSeq: 1 ACK", "Content-Length: 0", "", ""]
    )
