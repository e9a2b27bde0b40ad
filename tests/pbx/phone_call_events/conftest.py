"""A lab whose service may send events to loopback, with a queue that is dialled from outside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bridge.directory.loader import EXAMPLE_FILE
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.lab.tcp_proxy import TcpProxy
from bridge.testing.softphones.toolchain import ensure_phone_tools
from bridge.testing.webhook_receiver import Receiver

from .subscriber import unsubscribe_all

EXTENSIONS = tuple(f"0003*{x}" for x in (210, 211, 212, 213, 300, 400, 500))

# so that tests need not wait long
EVENT_SETTINGS = {
    "events_private_targets": "true",
    "events_timeout_s": "10",
    "events_retry_first_s": "0.2",
    "events_retry_last_s": "0.5",
    "destination_wait_s": "3",
    "calls_per_second": "100",
    "calls_per_extension_max": "200",
    "calls_per_user_max": "200",
}


def directory_with_queue_number(folder: Path) -> Path:
    """The example directory, where the queue has a public number."""
    text = EXAMPLE_FILE.read_text()
    queue = "- number: 0003*300\n        type: Queue\n        user: 12\n"
    assert queue in text
    path = folder / "directory.yaml"
    path.write_text(text.replace(queue, queue + "        public_number: 5550003300\n"))
    return path


async def open_event_lab(
    folder: Path, ami_proxy: TcpProxy | None = None, **settings: str
) -> RunningLab:
    ensure_phone_tools()
    directory = str(directory_with_queue_number(folder))
    settings = {**EVENT_SETTINGS, "directory_file": directory, **settings}
    return await open_lab(folder, settings, ami_proxy)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    async with await open_event_lab(tmp_path_factory.mktemp("events")) as lab:
        yield lab


@pytest_asyncio.fixture(loop_scope="session")
async def api(lab: RunningLab) -> AsyncIterator[ApiClient]:
    """The app of user 12, without subscriptions before and after."""
    async with lab.client() as client:
        yield client
        await client.leave_no_call()
        await unsubscribe_all(client, *EXTENSIONS)
        await lab.asterisk.hang_up_public_network()


@pytest_asyncio.fixture(loop_scope="session")
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as receiver:
        yield receiver
