"""Queues of app_queue by AMI: implements bridge.queues.queue_pbx.QueuePbx.

QueueStatus and QueueReload need no right; QueueAdd, QueueRemove and QueuePause need `agent`.
"""

from __future__ import annotations

from bridge.calls.pbx import PbxRefused
from bridge.pbx.ami import values as ami_values
from bridge.pbx.ami.message import Headers
from bridge.pbx.ami.sent_action import succeeded, why_refused
from bridge.pbx.ami.session import AmiSession
from bridge.pbx.ami.values import AmiAction
from bridge.queues.queue_pbx import (
    QueueMember,
    QueueRefused,
    QueuesNotPossible,
    QueueState,
    WaitingCaller,
)

LOGGED_OUT = "logged out"
"""The reason of a pause that stands for a logout."""

_ITEMS = ("QueueParams", "QueueMember", "QueueEntry")
_UNREACHABLE = ("0", "4", "5")
"""The device states unknown, invalid and unavailable (include/asterisk/devicestate.h)."""


class QueueActions:
    """The actions, over the link that the calls use."""

    def __init__(self, link: AmiSession) -> None:
        self._link = link

    async def state(self, queue: str) -> QueueState | None:
        """See QueuePbx."""
        events: list[Headers] = []
        name = ami_values.queue_name(queue)
        await self._send(
            AmiAction("QueueStatus", (("Queue", name),), each_item=events.append, item_event=_ITEMS)
        )
        # Asterisk compares names without their case.
        mine = [x for x in events if x.get("Queue", "").lower() == name.lower()]
        params = [x for x in mine if x["Event"] == "QueueParams"]
        if not params:
            return None
        callers = [_caller(x) for x in mine if x["Event"] == "QueueEntry"]
        return QueueState(
            params[0].get("Strategy", ""),
            tuple(_member(x) for x in mine if x["Event"] == "QueueMember"),
            tuple(sorted(callers, key=lambda x: x.position)),
        )

    async def add(self, queue: str, member: QueueMember, name: str) -> None:
        """See QueuePbx."""
        await self._send(
            AmiAction(
                "QueueAdd",
                (
                    *_where(queue, member.interface),
                    ("MemberName", ami_values.display_name(name, "agent")),
                    ("StateInterface", ami_values.queue_state(member.state_interface, "agent")),
                    ("Paused", "true" if member.paused else "false"),
                ),
            )
        )
        if member.logged_out:
            await self.pause(queue, member.interface, paused=True, logged_out=True)

    async def remove(self, queue: str, interface: str) -> None:
        """See QueuePbx."""
        await self._send(AmiAction("QueueRemove", _where(queue, interface)))

    async def pause(
        self, queue: str, interface: str, *, paused: bool, logged_out: bool = False
    ) -> None:
        """See QueuePbx."""
        headers = [*_where(queue, interface), ("Paused", "true" if paused else "false")]
        if logged_out:
            headers.append(("Reason", LOGGED_OUT))
        await self._send(AmiAction("QueuePause", tuple(headers)))

    async def reload(self) -> None:
        """See QueuePbx."""
        headers = (("Members", "yes"), ("Parameters", "yes"))
        await self._send(AmiAction("QueueReload", headers))

    async def _send(self, action: AmiAction) -> None:
        try:
            answer = await self._link.send(action)
        except PbxRefused as why:
            raise QueueRefused(str(why)) from why
        if succeeded(answer):
            return
        why_not = why_refused(answer)
        said = why_not.lower()
        if "permission denied" in said:
            raise QueuesNotPossible(
                "the AMI user lacks the right `agent` (manager.conf: add agent to `write`)"
            )
        if "unknown command" in said:
            raise QueuesNotPossible("the module app_queue is not loaded (modules.conf)")
        if "no such queue" in said:
            raise QueuesNotPossible(f"Asterisk has no queue {dict(action.headers)['Queue']}")
        raise QueueRefused(why_not)


def _where(queue: str, interface: str) -> tuple[tuple[str, str], ...]:
    return (
        ("Queue", ami_values.queue_name(queue)),
        ("Interface", ami_values.dial_string(interface, "agent")),
    )


def _member(headers: Headers) -> QueueMember:
    # Asterisk 16 has Location and Interface the other way round in some of its events.
    interface = headers.get("Location") or headers.get("Interface", "")
    return QueueMember(
        interface=interface,
        state_interface=headers.get("StateInterface") or interface,
        paused=headers.get("Paused") == "1",
        fixed=headers.get("Membership") != "dynamic",
        available=headers.get("Status") not in _UNREACHABLE,
        logged_out=headers.get("Paused") == "1" and headers.get("PausedReason") == LOGGED_OUT,
    )


def _caller(headers: Headers) -> WaitingCaller:
    return WaitingCaller(
        position=_number(headers.get("Position", "")),
        uniqueid=headers.get("Uniqueid", ""),
        caller_number=_known(headers.get("CallerIDNum", "")),
        caller_name=_known(headers.get("CallerIDName", "")),
        waits_s=_number(headers.get("Wait", "")),
    )


def _known(value: str) -> str:
    return "" if value in ("unknown", "<unknown>") else value


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else 0
