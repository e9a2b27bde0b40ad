"""The protocol between calls that act on other calls and the PBX; it contains no AMI."""

from __future__ import annotations

from typing import Protocol

from bridge.calls.state.acts_on import CallAction


class ActingPbx(Protocol):
    """Tells which parts of one Asterisk are missing for these actions."""

    async def lacks_for(self, action: CallAction) -> str:
        """The module or context that the PBX lacks for this action, for a person; empty: nothing.

        A part that the PBX does not tell of counts as there. Raises PbxUnavailable.
        """

    async def listen_again(self, call_id: str) -> None:
        """The call with that id listens; begin that anew, to the same channel in the same way.

        Raises PbxUnavailable, PbxRefused, PbxOutcomeUnknown, InvalidPbxValue.
        """
