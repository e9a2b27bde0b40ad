"""Actions on live calls, as an app orders them, and talks to act on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bridge.local_asterisk.local_asterisk import LocalAsterisk
from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.softphone import Softphone

MUSIC_HZ = 523
"""A note of the music on hold (asterisk-conf/render.sh)."""


async def act(
    api: ApiClient, call_id: str, action: str, *, extension: str = "210", **body: object
) -> Answer:
    path = f"/uapi/phoneCalls/@me/{extension}/{call_id}"
    return await api.request("PUT", path, body={"action": action, **body})


async def acted(api: ApiClient, call_id: str, action: str, **body: Any) -> Any:
    """As `act`, which must succeed; the PhoneCall."""
    answer = await act(api, call_id, action, **body)
    assert answer.status == 200, answer.text
    return answer.json


def views(call: Mapping[str, Any], field: str) -> list[Any]:
    """This field of each view, None where it is missing."""
    return [x.get(field) for x in call["phoneCallView"]]


async def hear_each_other(one: Softphone, one_hz: int, other: Softphone, other_hz: int) -> None:
    await one.wait_tone(other_hz)
    await other.wait_tone(one_hz)


@contextmanager
def silence_is_heard(lab: RunningLab) -> Iterator[int]:
    """The silence that Asterisk plays to end music is two seconds of a tone; its frequency."""
    assert isinstance(lab.asterisk, LocalAsterisk)
    silence = lab.asterisk.pbx.folder / "conf" / "sounds" / "silence.ulaw"
    shipped = silence.read_bytes()
    silence.write_bytes((b"\x20" * 4 + b"\xa0" * 4) * 2000)
    try:
        yield 1000
    finally:
        silence.write_bytes(shipped)
