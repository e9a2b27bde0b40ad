"""The events of one real call, written down on the real Asterisk, repeated for any other call."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass

from tests.scripted_ami.server import channel, message

from .bare_ami import Message
from .call_paths import AmiPath
from .directory_file import DESTINATION, SOURCE
from .stage import Stage

_END_LIMIT_S = 10
_TIMESTAMP = re.compile(r"Timestamp: [0-9.]+")
_BRIDGE = re.compile(r"BridgeUniqueid: \S+")  # two calls in one bridge would be one call


Step = tuple[float, bytes]
"""After how many seconds something is written, and what."""

_TOGETHER_S = 0.0002  # what Asterisk writes within this time is read at once


@dataclass(frozen=True, slots=True)
class CallEvents:
    """What Asterisk says of one call, as on the wire, in three parts."""

    source_id: str
    channels: bytes
    """As CoreShowChannel, but without the ActionID."""
    until_answer: bytes
    answer: bytes
    """From the moment when the destination picks up."""
    end: bytes
    steps: tuple[Step, ...] = ()
    """Of `until_answer` and `answer`: as Asterisk wrote them, after the answer to the Originate."""
    end_steps: tuple[Step, ...] = ()
    """Of `end`, after the answer to the Hangup."""

    @property
    def whole(self) -> bytes:
        return self.until_answer + self.answer + self.end

    @property
    def count(self) -> int:
        return self.whole.count(b"Event: ")


class CallTemplate:
    """Makes `CallEvents` out of those of the call that was written down.

    `moments`: of the blocks, in seconds after the call was ordered; `hung_up_s`: of its end.
    """

    def __init__(
        self,
        blocks: list[bytes],
        moments: list[float],
        hung_up_s: float,
        call_id: str,
        destination_id: str,
    ) -> None:
        joined = b"".join(block + b"\r\n\r\n" for block in blocks).decode()
        self._names = (
            (call_id, "{source_id}"),
            (destination_id, "{destination_id}"),
            (_channel_name(joined, SOURCE), f"PJSIP/{SOURCE}-{{serial}}"),
            (_channel_name(joined, DESTINATION), f"PJSIP/{DESTINATION}-{{serial}}"),
        )
        answered = next(
            place
            for place, block in enumerate(blocks)
            if block.startswith(b"Event: Newstate")
            and f"\r\nUniqueid: {destination_id}\r\n".encode() in block + b"\r\n"
            and b"\r\nChannelState: 6\r\n" in block
        )
        ended = next(
            place for place, block in enumerate(blocks) if block.startswith(b"Event: Hangup")
        )
        self._until_answer = self._text(blocks[:answered])
        self._answer = self._text(blocks[answered:ended])
        self._end = self._text(blocks[ended:])
        self._steps = self._steps_of(blocks[:ended], moments[:ended], 0.0)
        self._end_steps = self._steps_of(blocks[ended:], moments[ended:], hung_up_s)

    def api_call(self, call_id: str, number: int) -> CallEvents:
        """Of the call with that id; `number` tells its channels from those of others."""
        return self._filled(call_id, f"{1_900_000_000 + number}.1", number, SOURCE)

    def phone_call(self, number: int, extension: str) -> CallEvents:
        """Of a call that this extension has dialled itself."""
        epoch = 1_800_000_000 + number
        return self._filled(f"{epoch}.0", f"{epoch}.1", number, extension)

    def _steps_of(
        self, blocks: list[bytes], moments: list[float], begin_s: float
    ) -> list[tuple[float, str]]:
        steps: list[tuple[float, list[bytes]]] = []
        for block, moment in zip(blocks, moments, strict=True):
            after_s = max(0.0, moment - begin_s)
            if steps and after_s - steps[-1][0] < _TOGETHER_S:
                steps[-1][1].append(block)
            else:
                steps.append((after_s, [block]))
        return [(after_s, self._text(together)) for after_s, together in steps]

    def _text(self, blocks: list[bytes]) -> str:
        text = b"".join(block + b"\r\n\r\n" for block in blocks).decode()
        for known, name in self._names:
            text = text.replace(known, name)
        text = _BRIDGE.sub("BridgeUniqueid: bridge-{serial}", text)
        return _TIMESTAMP.sub("Timestamp: {timestamp}", text)

    def _filled(
        self, source_id: str, destination_id: str, number: int, extension: str
    ) -> CallEvents:
        timestamp = f"{time.time():.6f}"

        def fill(text: str) -> bytes:
            text = text.replace("{source_id}", source_id)
            text = text.replace("{destination_id}", destination_id)
            text = text.replace("{serial}", f"{number:08x}")
            text = text.replace("{timestamp}", timestamp)
            if extension != SOURCE:
                text = text.replace(SOURCE, extension).replace(DESTINATION, extension)
            return text.encode()

        channels = b"".join(
            message(
                [
                    ("Event", "CoreShowChannel"),
                    *channel(fill(name).decode(), uniqueid, Linkedid=source_id),
                ]
            )
            for name, uniqueid in (
                (f"PJSIP/{SOURCE}-{{serial}}", source_id),
                (f"PJSIP/{DESTINATION}-{{serial}}", destination_id),
            )
        )
        return CallEvents(
            source_id,
            channels,
            fill(self._until_answer),
            fill(self._answer),
            fill(self._end),
            tuple((after_s, fill(text)) for after_s, text in self._steps),
            tuple((after_s, fill(text)) for after_s, text in self._end_steps),
        )


async def record_call(stage: Stage) -> CallTemplate:
    """Make one call by hand and keep what Asterisk says of it, through the usual event filter."""
    blocks: list[bytes] = []
    moments: list[float] = []
    destinations: list[str] = []
    ami = await stage.ami()
    path = AmiPath(ami)

    def note(block: bytes) -> None:
        lines = block.decode().split("\r\n")
        event: Message = dict(x.split(": ", 1) for x in lines if ": " in x)
        if event["Event"] in ("FullyBooted", "PeerStatus", "ContactStatus"):
            return
        if event["Event"] == "DialBegin" and "Channel" in event:
            destinations.append(event["DestUniqueid"])
        # The answer to our own action; the service's Originate has another ActionID.
        if event["Event"] != "OriginateResponse":
            blocks.append(block)
            moments.append(time.monotonic() - began)

    ami.on_block = note
    try:
        number = stage.next_number()
        began = time.monotonic()
        call_id = await path.create(number)
        await stage.source.answered(number)
        await stage.destination.answered(number)
        await asyncio.sleep(0.2)  # its last event may come after the phones know
        hung_up_s = time.monotonic() - began
        await path.hang_up(call_id)
        async with asyncio.timeout(_END_LIMIT_S):
            await path.all_ended()
    finally:
        await path.close()
    return CallTemplate(blocks, moments, hung_up_s, call_id, destinations[0])


def _channel_name(text: str, extension: str) -> str:
    begin = text.index(f"PJSIP/{extension}-")
    return text[begin : text.index("\r\n", begin)]
