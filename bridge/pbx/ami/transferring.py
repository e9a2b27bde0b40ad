"""Transfers by the API, over AMI: implements bridge.calls.steering.transfer_pbx.PbxTransfers.

The dialplan does the work: [uapi-transfer] of asterisk-conf/pbx/extensions-bridge.conf.
"""

from __future__ import annotations

from collections.abc import Sequence

from bridge.calls.pbx import InvalidPbxValue
from bridge.calls.steering.transfer_pbx import NOBODY, PbxTransfer, TransferStage
from bridge.calls.steering.transferring import HANG_UP_CONTEXT, MAILBOX_CONTEXT, TRANSFER_CONTEXT
from bridge.pbx.ami import values
from bridge.pbx.ami.steering import AmiSteering
from bridge.pbx.pbx_settings import Dialplan

STAGE = "UAPI_TRANSFER"
"""The channel variable that says how far a transfer is."""
_BACK = "back"
_END = (HANG_UP_CONTEXT, "16")
_VOICEMAIL = "BRIDGE_VOICEMAIL"
_STATES = ("new", "heard")


class AmiTransfers:
    """`steering` sends the actions."""

    def __init__(self, steering: AmiSteering, dialplan: Dialplan | None = None) -> None:
        self._steering = steering
        self._local_context = (dialplan or Dialplan()).transfer_local_context

    async def require(self, contexts: Sequence[str], modules: Sequence[str]) -> None:
        await self._steering.require(contexts, modules)

    async def neighbour(self, uniqueid: str) -> str | None:
        return await self._steering.neighbour(uniqueid)

    async def transfer(self, kept: str, leaving: str, order: PbxTransfer) -> None:
        variables = _variables(order)
        variables["UAPI_TRANSFER_CONTEXT"] = self._local_context if order.stays_local else ""
        for name, value in variables.items():
            await self._steering.set_variable(kept, name, value)
        place = (TRANSFER_CONTEXT, values.exten(order.number))
        await self._redirect(kept, place, leaving)

    async def stage(self, kept: str) -> TransferStage | None:
        stage, _, cause = (await self._steering.variable(kept, STAGE)).partition("~")
        if not stage:
            return None
        return TransferStage(stage == _BACK, int(cause) if cause.isdigit() else 0)

    async def concluded(self, kept: str) -> None:
        await self._steering.set_variable(kept, STAGE, "")

    async def no_room_in(self, mailbox: str) -> str:
        limits = (await self._steering.variable(None, _VOICEMAIL)).split("~")
        if len(limits) != 3 or not limits[1].isdigit():
            return "the PBX has no voicemail"
        number, messages = _mailbox(mailbox), 0
        for state in _STATES:
            asked = f"DB_KEYS(uapi-voicemail/{state}/{number})"
            keys = await self._steering.variable(None, asked)
            messages += len([x for x in keys.split(",") if x])
        return f"the mailbox of {mailbox} is full" if messages >= int(limits[1]) else ""

    async def to_mailbox(self, kept: str, leaving: str, mailbox: str) -> None:
        place = (MAILBOX_CONTEXT, _mailbox(mailbox))
        await self._redirect(kept, place, leaving)

    async def _redirect(self, kept: str, place: tuple[str, str], leaving: str) -> None:
        if leaving == NOBODY:
            await self._steering.redirect(kept, place)
        else:
            await self._steering.redirect(kept, place, leaving, _END)


def _mailbox(number: str) -> str:
    """An extended number. Raises InvalidPbxValue."""
    if not all(x.isdigit() and x.isascii() for x in number.split("*")) or number.count("*") != 1:
        raise InvalidPbxValue("mailbox: must be an extended number")
    return number


def _variables(order: PbxTransfer) -> dict[str, str]:
    return {
        STAGE: "",
        "UAPI_TRANSFER_DIAL": values.dial_string(order.dial, "target"),
        "UAPI_TRANSFER_KIND": order.kind.value,
        "UAPI_TRANSFER_WAIT_S": str(values.seconds(order.wait_s, "wait_s")),
        "UAPI_TRANSFER_LOCAL_ONLY": "1" if order.local_only else "",
        "UAPI_TRANSFER_BACK": values.caller_number(order.back_number, "back_number"),
        "UAPI_TRANSFER_BACK_DIAL": values.dial_string(order.back_dial, "back_dial"),
    }
