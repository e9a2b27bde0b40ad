"""The two receivers of docs/receiving-events.md, as they stand there, with published libraries."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from standardwebhooks import Webhook

from bridge.clock import now_ms
from bridge.phone_call_events.delivery import DeliveryState
from bridge.phone_call_events.secret_replacement import with_new_secret
from bridge.phone_call_events.subscription import Subscription, new_secret
from bridge.testing.eventually import eventually
from bridge.testing.lab.free_port import free_http_port
from tests.integration.event_deliveries.attempts import until_attempted, until_finished
from tests.integration.event_deliveries.in_process import EventsInProcess

from .node_packages import node_folder

pytestmark = pytest.mark.timeout(400)  # on a new machine Node.js is installed first

PAGE = (Path(__file__).parents[3] / "docs" / "receiving-events.md").read_text()


def program_of(language: str) -> str:
    [program] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(program)


def command_of(language: str, folder: Path) -> list[str]:
    """The program in `folder`, where its library is found."""
    if language == "python":
        (folder / "receiver.py").write_text(program_of(language))
        return [sys.executable, "receiver.py"]
    (folder / "node_modules").symlink_to(node_folder() / "node_modules")
    (folder / "receiver.mjs").write_text(program_of(language))
    return [shutil.which("node") or "node", "receiver.mjs"]


@dataclass
class RunningReceiver:
    """`lines`: what it has printed."""

    url: str
    lines: list[str]

    async def post(self, secret: str, event: dict[str, Any]) -> int:
        """Send an event of the test's own; the status of the answer."""
        body, now = json.dumps(event), datetime.now(UTC)
        headers = {
            "webhook-id": event["deliveryId"],
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(secret).sign(event["deliveryId"], now, body),
        }
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url, data=body, headers=headers) as answer,
        ):
            return answer.status


@asynccontextmanager
async def running_receiver(
    command: list[str], folder: Path, *secrets: str
) -> AsyncIterator[RunningReceiver]:
    port = free_http_port()
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={**os.environ, "PORT": str(port), "SECRETS": " ".join(secrets)},
        stdout=asyncio.subprocess.PIPE,
    )
    lines: list[str] = []

    async def read() -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            lines.append(line.decode().strip())

    reading = asyncio.create_task(read())

    async def listens() -> bool:
        assert process.returncode is None
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True

    try:
        await eventually(listens, 20)
        yield RunningReceiver(f"http://127.0.0.1:{port}/hook", lines)
    finally:
        process.kill()
        await process.wait()
        await reading


async def pointed_at(
    service: EventsInProcess, subscription: Subscription, url: str, **more: Any
) -> Subscription:
    after = await service.events.update(subscription.id, lambda x: replace(x, url=url, **more))
    assert after is not None
    return after


@pytest.mark.parametrize("language", ["python", "js"])
async def test_given_the_receiver_of_the_page_when_events_come_then_each_is_taken_once(
    tmp_path: Path, language: str
) -> None:
    folder = tmp_path / "receiver"
    folder.mkdir()
    command = command_of(language, folder)
    async with EventsInProcess(tmp_path) as service:
        subscription = await service.subscribe("http://127.0.0.1:1/", json=True)
        secret = subscription.secret
        async with running_receiver(command, folder, secret) as receiver:
            await pointed_at(service, subscription, receiver.url)
            first, second = service.end_a_call().id, service.end_a_call().id
            sent = await until_finished(service, subscription)
            # The same event once more: it is taken, and told to nobody.
            assert await service.events.send_again(subscription, sent[0].id) is not None
            again = await until_finished(service, subscription)
            assert [x.state for x in again] == [DeliveryState.DELIVERED] * 2
            assert again[0].attempts == 2
            # An older event of a call, late.
            late = {"deliveryId": "late", "phoneCallId": second, "type": "1"}
            assert await receiver.post(secret, {**late, "extensionSequence": 1}) == 204
            assert await receiver.post(new_secret(), {**late, "extensionSequence": 2}) == 401
            # With the new secret and the old one: the receiver knows the old one.
            after = await service.events.update(
                subscription.id, lambda x: with_new_secret(x, 60, now_ms())
            )
            assert after is not None
            third = service.end_a_call().id
            expected = [f"{x} 2" for x in (first, second, third)]
            await eventually(lambda: receiver.lines[-3:] == expected, why=lambda: receiver.lines)
        # After a restart it knows both secrets, and what it has taken before.
        async with running_receiver(command, folder, secret, after.secret) as receiver:
            await pointed_at(service, after, receiver.url, old_secrets=())
            assert await service.events.send_again(after, sent[0].id) is not None
            fourth = service.end_a_call().id
            await eventually(
                lambda: receiver.lines[-1:] == [f"{fourth} 2"], why=lambda: receiver.lines
            )
            assert not set(receiver.lines) & set(expected)
        # With another secret nothing is taken.
        async with running_receiver(command, folder, new_secret()) as receiver:
            other = await service.subscribe(receiver.url, json=True)
            service.end_a_call()
            [refused] = await until_attempted(service, other, 1)
            assert refused.http_status == 401
