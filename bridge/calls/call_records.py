"""The protocol between calls and their storage; it contains no SQL."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from bridge.calls.call_chart import EndedMoments
from bridge.calls.state.phone_call import PhoneCall
from bridge.calls.store.call_detail import CallDetailQuestion, CallSum
from bridge.calls.store.ended_calls import CallPosition, EndedCalls

_Shown = TypeVar("_Shown")


@dataclass(frozen=True, slots=True)
class Companions:
    """Rows to be written with a change of a call, in one transaction; opaque here.

    `written` is called once they are on disk.
    """

    rows: Sequence[Any]
    written: Callable[[], None]


class CallRecords(Protocol):
    """The storage of calls. Async methods raise StorageUnavailable."""

    def track(
        self,
        call: PhoneCall,
        extra: Sequence[Any] = (),
        written: Callable[[], None] | None = None,
    ) -> None:
        """Keep the call as it is now; never brings back one that has ended. Does not wait."""

    def finish_later(
        self,
        call: PhoneCall,
        extra: Sequence[Any] = (),
        written: Callable[[], None] | None = None,
    ) -> None:
        """Write the final record, unless there is one. Does not wait; repeated until written."""

    async def mark(self, call: PhoneCall) -> None:
        """As `track`, and returns once it is on disk."""

    async def find(self, call_id: str) -> PhoneCall | None:
        """The call with that id, living or ended; None if there is none.

        Raises StorageUnavailable.
        """

    async def live(self, pbx: str) -> list[PhoneCall]:
        """Calls without a final record, to be taken up again after a restart."""

    async def ended(
        self, asked: EndedCalls, show: Callable[[PhoneCall], _Shown]
    ) -> tuple[list[_Shown], int]:
        """The results of `show` for the calls of that page, and the number of calls on all
        pages."""


class StoredTimelines(Protocol):
    """The timelines of calls on disk. Async methods raise StorageUnavailable."""

    async def timeline(self, call_id: str) -> str | None:
        """The stored timeline of a call, as text; None if it has none."""


class CallDetailRecords(Protocol):
    """The records of ended calls, for reports. Async methods raise StorageUnavailable."""

    async def detail_records(
        self, asked: CallDetailQuestion, show: Callable[[PhoneCall], _Shown]
    ) -> tuple[list[_Shown], list[CallSum]]:
        """The results of `show` for the calls of that page, and the sums of all pages."""

    async def ended_after(
        self, asked: EndedCalls, after: CallPosition | None, show: Callable[[PhoneCall], _Shown]
    ) -> tuple[list[_Shown], CallPosition | None]:
        """The results of `show` for the calls after that position, and the position of the last.

        The position is None if no calls follow.
        """

    async def detail_records_after(
        self,
        asked: CallDetailQuestion,
        after: CallPosition | None,
        show: Callable[[PhoneCall], _Shown],
    ) -> tuple[list[_Shown], CallPosition | None]:
        """As `ended_after`."""

    async def call_sums(self, asked: CallDetailQuestion) -> list[CallSum]:
        """How many calls there are on all pages, by direction and disposition."""

    async def ended_moments(
        self, extensions: Collection[str], since_ms: int, most: int
    ) -> list[EndedMoments]:
        """The newest `most` ended calls of the extensions that began at `since_ms` or later, the
        newest first."""
