"""When calls that are being placed count as taken by the PBX, and who is told."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence

from bridge.calls.errors import CallNotPlaced
from bridge.calls.pbx import PbxUnavailable
from bridge.calls.state.phone_call import PhoneCall


class Taken:
    """`calls` becomes the calls once the PBX has taken them, or the reason why it took none.

    They count as taken once the Originate of each is written, or could not be. With `wait_for_pbx`
    they count once the PBX has answered all of them.
    """

    def __init__(self, *, wait_for_pbx: bool) -> None:
        self.calls: asyncio.Future[list[PhoneCall]] = asyncio.get_running_loop().create_future()
        self._wait_for_pbx = wait_for_pbx
        self._expected: list[PhoneCall] = []
        self._open: set[str] = set()
        self._any_written = False

    def expect(self, calls: Sequence[PhoneCall]) -> None:
        """These calls are going to be dialled."""
        self._expected = list(calls)
        self._open = {x.id for x in calls}

    def written(self, call_id: str) -> None:
        """The Originate of this call is on its way to the PBX."""
        self._any_written = True
        self.settled(call_id)

    def settled(self, call_id: str) -> None:
        """Nothing more is going to be written for this call."""
        self._open.discard(call_id)
        if self._any_written and not self._open and not self._wait_for_pbx:
            self._tell(self._expected)

    async def tell(self, placing: Coroutine[object, object, list[PhoneCall]]) -> None:
        """Tell the outcome of `placing` to the caller that waits for `calls`.

        A refusal that comes after the caller was told shows in the call. Any other fault is raised
        where nobody waits any more.
        """
        try:
            self._tell(await placing)
        except asyncio.CancelledError:
            self.calls.cancel()
            raise
        except Exception as fault:
            if not self.calls.done():
                self.calls.set_exception(fault)
            elif not isinstance(fault, CallNotPlaced | PbxUnavailable):
                raise

    def _tell(self, calls: list[PhoneCall]) -> None:
        if not self.calls.done():
            self.calls.set_result(calls)
