"""A scripted PBX and a link to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from bridge.pbx.ami.link import AmiLink
from tests.scripted_ami.orders import quick_settings
from tests.scripted_ami.recording_listener import RecordingListener
from tests.scripted_ami.server import ScriptedAmi

StartLink = Callable[..., Awaitable[AmiLink]]


@pytest.fixture
async def ami() -> AsyncIterator[ScriptedAmi]:
    async with ScriptedAmi() as server:
        yield server


@pytest.fixture
def listener() -> RecordingListener:
    return RecordingListener()


@pytest.fixture
async def start_link(ami: ScriptedAmi, listener: RecordingListener) -> AsyncIterator[StartLink]:
    """`start_link(up=False, ping_interval_s=…)`: by default it returns when the link is up."""
    links: list[AmiLink] = []

    async def start(*, up: bool = True, listens: Any = None, **changes: Any) -> AmiLink:
        link = AmiLink(quick_settings(ami, **changes))
        link.listen(listens or listener)
        links.append(link)
        await link.start()
        if up:
            await (listens or listener).until(lambda: link.link.up)
        return link

    yield start
    for link in links:
        await link.stop()
