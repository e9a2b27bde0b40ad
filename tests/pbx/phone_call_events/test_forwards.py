"""What the extensions of a call are told that `forward` of the directory sends on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from bridge.directory.loader import EXAMPLE_FILE
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.sipp_behaviour import refuses
from bridge.testing.webhook_receiver import Receiver

from .all_events import AllEvents
from .conftest import open_event_lab
from .situation import CALLED, CALLER, Stage, called

pytestmark = pytest.mark.asyncio(loop_scope="session")

FORWARDS = {"0003*211": "{busy: 212}", "0003*212": "{always: 213}"}
EXTENSIONS = tuple(f"0003*{x}" for x in (210, 211, 212, 213))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    folder = tmp_path_factory.mktemp("forwards")
    text = EXAMPLE_FILE.read_text()
    for number, forward in FORWARDS.items():
        entry = f"      - number: {number}\n"
        assert entry in text
        text = text.replace(entry, f"{entry}        forward: {forward}\n", 1)
    file = folder / "forwards.yaml"
    file.write_text(text)
    lab = await open_event_lab(folder, directory_file=str(file))
    try:
        yield lab
    finally:
        await lab.close()


async def told(
    lab: RunningLab, api: ApiClient, receiver: Receiver, dialled: str, by: str
) -> object:
    events = AllEvents(api, receiver, EXTENSIONS)
    await events.subscribe()
    async with AsyncExitStack() as stack:
        stage = Stage(lab, api, stack)
        alice = await stage.phone("210")
        await stage.scripted("211", refuses(486, "Busy Here"))
        dora = await stage.phone("213")
        if by == "a phone":
            call_id = await stage.dialled(alice, dialled)
            await alice.wait_established()
            await dora.wait_established()
            await alice.hangup()
        else:
            call_id = await stage.talked(await stage.api.place(["210"], [dialled]))
        await api.wait_ended(call_id, 20)
        return await events.told(call_id)


@pytest.mark.parametrize("by", ["a phone", "an app"])
async def test_given_a_busy_phone_that_is_forwarded_when_over_then_it_was_told_that_it_was_busy(
    lab: RunningLab, api: ApiClient, receiver: Receiver, by: str
) -> None:
    """211, busy → 212, which is never rung → 213."""
    expected = {"210": CALLER, "211": called("BUSY"), "213": CALLED}
    assert await told(lab, api, receiver, "211", by) == expected


@pytest.mark.parametrize("by", ["a phone", "an app"])
async def test_given_a_phone_that_always_forwards_when_called_then_it_is_told_nothing(
    lab: RunningLab, api: ApiClient, receiver: Receiver, by: str
) -> None:
    assert await told(lab, api, receiver, "212", by) == {"210": CALLER, "213": CALLED}
