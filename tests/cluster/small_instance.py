"""The calls of one PBX at one instance, under one lease: from the key to the Originate.

The parts are those of the service, without HTTP, phones and recordings, so that a test can end or
freeze it at any line.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from types import TracebackType

from bridge.calls.call_order import NewCall
from bridge.calls.directory_parties import DirectoryParties
from bridge.calls.live.switchboard import Switchboard
from bridge.calls.live.tracker import CallTracker
from bridge.calls.pace import Pace
from bridge.calls.placing import CallLimits, CallPlacement
from bridge.calls.state.phone_call import PhoneCall
from bridge.calls.store.call_store import CallStore
from bridge.calls.store.idempotency_store import IdempotencyStore
from bridge.config.secrets_file import ThrowawaySecrets
from bridge.directory.caller_ids import CallerId
from bridge.directory.loader import EXAMPLE_FILE, CurrentDirectory
from bridge.directory.party import Party
from bridge.http.keyed_answers import IdempotentRequest, KeyedAnswers, StoredAnswer
from bridge.http.uapi.idempotent_creates import IdempotentCreates, Save
from bridge.pbx.ami.link import AmiLink
from bridge.pbx.pbx_settings import AmiSettings
from bridge.storage.engine import FROZEN_WRITER_LIMIT_S, open_engine
from bridge.storage.fence import Fence
from bridge.storage.fenced_writes import FencedWrites
from bridge.storage.write_queue import WriteQueue
from bridge.testing.eventually import eventually

PBX = "main"
# A call that is taken over waits so long for its channel.
GRACE_S = 0.5


class SmallInstance:
    """Use as `async with`: it has taken up the calls of the PBX then, and its link is up.

    It holds `fence`, for `lasts_s` seconds of its monotonic clock. `fenced`: what the database has
    told it to have lost.
    """

    def __init__(
        self, database_url: str, ami_port: int, fence: Fence, *, lasts_s: float = 3600.0
    ) -> None:
        self._until_s = time.monotonic() + lasts_s
        self._fence = fence
        self.fenced: list[Fence] = []
        self._stack = AsyncExitStack()
        engine = open_engine(database_url, writer_silence_limit_s=FROZEN_WRITER_LIMIT_S)
        self._stack.push_async_callback(engine.dispose)
        self.queue = WriteQueue(engine, fenced=self.fenced.append)
        writes = FencedWrites(self.queue, lambda: fence if self.may_act() else None)
        answers = IdempotencyStore(engine, self.queue)
        self.calls = CallStore(engine, writes, answers)
        self._creates = IdempotentCreates(self.calls, KeyedAnswers(answers), answers)
        self._directory = CurrentDirectory(EXAMPLE_FILE, ThrowawaySecrets())
        self.link = AmiLink(
            AmiSettings("127.0.0.1", ami_port, "bridge", "s3cret", PBX), may_act=self.may_act
        )
        tracker = CallTracker(PBX, DirectoryParties(self._directory))
        self.switchboard = Switchboard(self.link, tracker, self.calls, GRACE_S)
        self.link.listen(self.switchboard)
        self._placement = CallPlacement(
            self.switchboard, Pace(100, 100, 0), CallLimits(99, 99, 99, 60)
        )

    def may_act(self) -> bool:
        return time.monotonic() < self._until_s

    async def __aenter__(self) -> SmallInstance:
        await self.queue.start()
        self._stack.push_async_callback(self.queue.stop)
        await self.switchboard.restore(taken_over=True)
        await self.link.start()
        self._stack.push_async_callback(self.switchboard.stop)
        self._stack.push_async_callback(self.link.stop)
        await eventually(lambda: self.link.link.up, 10)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def create(self, key: str) -> StoredAnswer:
        """210 calls 211; the text of the answer is the id of the call. Raises as a create does."""

        async def place(save: Save) -> StoredAnswer:
            async def accept(calls: Sequence[PhoneCall]) -> None:
                await save(calls, StoredAnswer(202, calls[0].id))

            [call] = await self._placement.place_all([self._order()], accept, wait_for_pbx=False)
            return StoredAnswer(202, call.id)

        return await self._creates.once(IdempotentRequest("app", key, key.encode), place)

    def _order(self) -> NewCall:
        nobody = CallerId("", "")
        return NewCall(
            extension=self._directory.directory.extensions["0003*210"],
            extension_spelled="210",
            sources=(self._party("0003*210"),),
            destinations=(self._party("0003*211"),),
            caller_id=nobody,
            destination_caller_id=nobody,
            nonce=None,
            wait_s=25,
            duration_s=60,
            allow_public_transfer=True,
            video=False,
            client_id="app",
            recording=None,
        )

    def _party(self, number: str) -> Party:
        extension = self._directory.directory.extensions[number]
        return Party(number, number, extension, extension.dial, extension.endpoint)
