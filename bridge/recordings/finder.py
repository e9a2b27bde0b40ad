"""Finding the one conversation that a selector means."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from bridge.calls.state.phone_call import PhoneCall
from bridge.directory.loader import CurrentDirectory
from bridge.recordings.conversation import StoredConversation
from bridge.recordings.conversation_of_call import call_has_number, organizations_of
from bridge.recordings.conversation_records import ConversationRecords
from bridge.recordings.next_call import NextCalls
from bridge.recordings.policy import is_recorded
from bridge.recordings.selection import Progress, Selection
from bridge.recordings.selector_status import SelectorStatus

_PROGRESS = {SelectorStatus.ONGOING: Progress.ONGOING, SelectorStatus.LAST: Progress.FINISHED}
_STILL_THERE_POLL_S = 0.25


class CallNotFound(Exception):
    """No conversation matches, after all tries."""

    def __init__(self, tries: int, sleep_ms: int) -> None:
        super().__init__(f"not found after {tries} tries, with sleep time {sleep_ms}")
        self.tries = tries
        self.sleep_ms = sleep_ms


class SeveralCalls(Exception):
    """More than one conversation is meant."""


class ClientGone(Exception):
    """The client no longer waits for the answer."""


@dataclass(frozen=True, slots=True)
class LookUp:
    """`status` belongs to a `selection` by number, and is empty for any other."""

    selection: Selection
    status: tuple[SelectorStatus, ...] = ()


@dataclass(frozen=True, slots=True)
class LookUpLimits:
    """How often a conversation is looked for, and how long the next call of a number is waited for.

    A recording may be written a moment after its call.
    """

    tries: int
    sleep_ms: int
    next_wait_s: float


class Finder:
    """Finds the conversation that a selector of the Verba API means."""

    def __init__(
        self,
        records: ConversationRecords,
        next_calls: NextCalls,
        directory: CurrentDirectory,
        live: Callable[[], Iterable[PhoneCall]],
        limits: LookUpLimits,
    ) -> None:
        self._records = records
        self._next_calls = next_calls
        self._directory = directory
        self._live = live
        self._limits = limits

    async def find(
        self, look_up: LookUp, client_is_there: Callable[[], bool]
    ) -> StoredConversation | PhoneCall:
        """The conversation; for `next` the call that has just begun, which may have none yet.

        Raises CallNotFound, SeveralCalls, ClientGone, StorageUnavailable.
        """
        if SelectorStatus.NEXT not in look_up.status:
            return await self._known(look_up)
        # Not by the moment at which a call began: that is told in the clock of the PBX.
        before = {call.id for call in self._live()}

        def wanted(call: PhoneCall) -> bool:
            return call.id not in before and self._is_meant(call, look_up.selection)

        with self._next_calls.expected(wanted) as call:
            if SelectorStatus.ONGOING in look_up.status:
                found = await self._one(look_up.selection, SelectorStatus.ONGOING)
                known = found or await self._not_recorded_yet(look_up.selection)
                if known is not None:
                    return known
            return await self._wait(call, client_is_there)

    async def _not_recorded_yet(self, selection: Selection) -> PhoneCall | None:
        """The call that rings: it is neither recorded by now nor does it begin later."""
        meant = []
        for call in [x for x in self._live() if self._is_meant(x, selection)]:
            stored = await self._records.of_call(call.id)
            if stored is None or stored.marks.deletion_ms is None:
                meant.append(call)
        if len(meant) > 1:
            raise SeveralCalls
        return meant[0] if meant else None

    async def _known(self, look_up: LookUp) -> StoredConversation:
        limits = self._limits
        for attempt in range(limits.tries):
            if attempt:
                await asyncio.sleep(limits.sleep_ms / 1000)
            for status in look_up.status or (None,):
                found = await self._one(look_up.selection, status)
                if found is not None:
                    return found
        raise CallNotFound(limits.tries, limits.sleep_ms)

    async def _one(
        self, selection: Selection, status: SelectorStatus | None
    ) -> StoredConversation | None:
        if status is not None:
            selection = replace(selection, progress=_PROGRESS[status])
        if status is SelectorStatus.LAST:
            # There is one, however many there were. Asked for again while it is being deleted it is
            # still that one, and not the one before.
            found = await self._records.select(selection, 1)
        else:
            found = await self._records.select(replace(selection, also_marked=False), 2)
            if not found and selection.also_marked:
                found = await self._records.select(selection, 2)
        if len(found) > 1:
            raise SeveralCalls
        return found[0] if found else None

    async def _wait(
        self, call: asyncio.Future[PhoneCall], client_is_there: Callable[[], bool]
    ) -> PhoneCall:
        wait_s = self._limits.next_wait_s
        future = call
        deadline = asyncio.get_running_loop().time() + wait_s
        while (left_s := deadline - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait({future}, timeout=min(left_s, _STILL_THERE_POLL_S))
            if not client_is_there():
                raise ClientGone
            if future.done():
                return future.result()
        raise CallNotFound(1, int(wait_s * 1000))

    def _is_meant(self, call: PhoneCall, selection: Selection) -> bool:
        directory = self._directory.directory
        numbers = (leg.number for leg in call.legs)
        organization = selection.organization
        if organization not in {None, *organizations_of(numbers, call.organization)}:
            return False
        return call_has_number(call, selection.numbers, directory) and is_recorded(call, directory)
