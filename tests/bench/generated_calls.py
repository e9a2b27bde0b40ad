"""The events of one real call, written down on the real Asterisk, repeated for any other call.

The call is one of the service: an app orders it by POST and ends it by DELETE. A second session of
the service's AMI user writes down what Asterisk says of it, which is what the service is told.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass

from bridge.testing.eventually import eventually
from tests.scripted_ami.server import channel, message

from .bare_ami import BareAmi, Message
from .call_paths import ApiPath
from .directory_file import DESTINATION, SOURCE
from .stage import Stage

_END_LIMIT_S = 10
_CHANNELS = 4
"""The two halves of the Local channel that rings the source, and two phones."""
_END = ("HangupRequest", "Hangup")
_RECORDED = 9
_TIMESTAMP = re.compile(r"Timestamp: [0-9.]+")
_BRIDGE = re.compile(r"BridgeUniqueid: \S+")  # two calls in one bridge would be one call


Step = tuple[float, bytes]
"""After how many seconds something is written, and what."""

_TOGETHER_S = 0.0002  # what Asterisk writes within this time is read at once


@dataclass(frozen=True, slots=True)
class CallEvents:
    """What Asterisk says of one call, as on the wire, in three parts."""

    channels: bytes
    """As CoreShowChannel, but without the ActionID."""
    until_answer: bytes
    answer: bytes
    """From the moment when the destination picks up."""
    end: bytes
    steps: tuple[Step, ...] = ()
    """Of `until_answer` and `answer`: as Asterisk wrote them, after the first."""
    end_steps: tuple[Step, ...] = ()
    """Of `end`, after the DELETE."""


class CallTemplate:
    """Makes `CallEvents` out of those of the call that was written down.

    `moments`: of the blocks, in seconds after the first; `hung_up_s`: of its end.
    """

    def __init__(
        self, blocks: list[bytes], moments: list[float], hung_up_s: float, call_id: str
    ) -> None:
        self.count = len(blocks)
        """How many events a call has."""
        events = [event_of(x) for x in blocks]
        new = {x["Channel"]: x["Uniqueid"] for x in events if x["Event"] == "Newchannel"}
        assert len(new) == _CHANNELS, new
        self._names = {call_id: "{call_id}"}
        self._channels: list[tuple[str, str]] = []
        for name, uniqueid in new.items():
            # Local/ring@bridge-source-0000001a;1, PJSIP/0003*210-0000001a
            begin, _, rest = name.rpartition("-")
            _, semicolon, half = rest.partition(";")
            self._names[name] = f"{begin}-{{serial}}{semicolon}{half}"
            if not uniqueid.startswith(call_id):
                self._names[uniqueid] = f"{{epoch}}.{len(self._names)}"
            self._channels.append((name, uniqueid))
        self._names |= {SOURCE: "{source}", DESTINATION: "{destination}"}
        self._channels = [(self._text_of(x), self._text_of(y)) for x, y in self._channels]
        destination = next(new[x] for x in new if x.startswith(f"PJSIP/{DESTINATION}-"))
        answered = next(
            place
            for place, x in enumerate(events)
            if x["Event"] == "Newstate"
            and x["Uniqueid"] == destination
            and x["ChannelState"] == "6"
        )
        ended = next(place for place, x in enumerate(events) if x["Event"] in _END)
        self.answered_after_s = moments[ended - 1]
        self._until_answer = self._text(blocks[:answered])
        self._answer = self._text(blocks[answered:ended])
        self._end = self._text(blocks[ended:])
        self._steps = self._steps_of(blocks[:ended], moments[:ended], 0.0)
        self._end_steps = self._steps_of(blocks[ended:], moments[ended:], hung_up_s)

    def call(self, call_id: str, number: int, source: str, destination: str) -> CallEvents:
        """Of a call of the service; `number` tells its channels from those of others."""
        timestamp, epoch = f"{time.time():.6f}", str(1_900_000_000 + number)

        def fill(text: str) -> bytes:
            text = text.replace("{call_id}", call_id).replace("{epoch}", epoch)
            text = text.replace("{serial}", f"{number:08x}").replace("{timestamp}", timestamp)
            text = text.replace("{source}", source).replace("{destination}", destination)
            return text.encode()

        channels = b"".join(
            message(
                [
                    ("Event", "CoreShowChannel"),
                    *channel(fill(name).decode(), fill(uniqueid).decode(), Linkedid=call_id),
                ]
            )
            for name, uniqueid in self._channels
        )
        return CallEvents(
            channels,
            fill(self._until_answer),
            fill(self._answer),
            fill(self._end),
            tuple((after_s, fill(text)) for after_s, text in self._steps),
            tuple((after_s, fill(text)) for after_s, text in self._end_steps),
        )

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
        text = self._text_of(b"".join(block + b"\r\n\r\n" for block in blocks).decode())
        text = _BRIDGE.sub("BridgeUniqueid: bridge-{serial}", text)
        return _TIMESTAMP.sub("Timestamp: {timestamp}", text)

    def _text_of(self, text: str) -> str:
        for known, name in self._names.items():
            text = text.replace(known, name)
        return text


async def record_call(stage: Stage) -> CallTemplate:
    """Let the service make calls, and keep what Asterisk says of one to its AMI user.

    Of some calls it is that with the median of the times from the first event to the last answer.
    """
    async with stage.service() as service:
        path, ami = await ApiPath.open(stage, service), await stage.ami()
        try:
            recorded = [await _recorded(stage, path, ami) for _ in range(_RECORDED)]
        finally:
            ami.close()
            await path.close()
    recorded.sort(key=lambda x: x.answered_after_s)
    return recorded[len(recorded) // 2]


async def _recorded(stage: Stage, path: ApiPath, ami: BareAmi) -> CallTemplate:
    noted: list[tuple[float, bytes]] = []
    ami.on_block = lambda block: noted.append((time.monotonic(), block))
    number = stage.next_number()
    call_id = await path.create(number)
    await stage.source.answered(number)
    await stage.destination.answered(number)
    await asyncio.sleep(0.2)  # its last event may come after the phones know
    hung_up = time.monotonic()
    await path.hang_up(call_id)
    await eventually(lambda: _ended(noted, call_id), _END_LIMIT_S)
    await path.all_ended()
    own = [(at, x) for at, x in noted if event_of(x).get("Linkedid") == call_id]
    first = own[0][0]
    return CallTemplate(
        [x for _, x in own], [at - first for at, _ in own], hung_up - first, call_id
    )


def event_of(block: bytes) -> Message:
    """Its headers."""
    lines = block.decode().split("\r\n")
    return dict(x.split(": ", 1) for x in lines if ": " in x)


def _ended(noted: list[tuple[float, bytes]], call_id: str) -> bool:
    events = [event_of(x) for _, x in noted]
    gone = [x for x in events if x.get("Event") == "Hangup" and x["Linkedid"] == call_id]
    return len(gone) == _CHANNELS
