"""`queuePosition` of a view: the place of a party that waits in a queue. It is ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bridge.calls.pbx import InvalidPbxValue, PbxOutcomeUnknown, PbxUnavailable
from bridge.calls.state.phone_call import Leg, LegPhase, PhoneCall, Side
from bridge.directory.directory import Directory
from bridge.directory.model import Extension
from bridge.http.node_services import NodeServices
from bridge.http.uapi.fields import Json
from bridge.queues.queue_pbx import QueueRefused, QueuesNotPossible, QueueState

QUEUES_ASKED_MAX = 20
"""By one request; each queue is a question to the PBX."""

_NOT_TOLD = (InvalidPbxValue, PbxOutcomeUnknown, PbxUnavailable, QueueRefused, QueuesNotPossible)


async def queue_positions(
    node: NodeServices, directory: Directory, calls: Sequence[PhoneCall]
) -> Mapping[str, int]:
    """The position of each call that waits in a queue, by its id. Empty if the PBX does not tell.

    A list without calls to queues asks the PBX nothing.
    """
    positions: dict[str, int] = {}
    by_channel = {channel: call.id for call in calls for channel in call.channels}
    for queue in _queues_of(directory, calls)[:QUEUES_ASKED_MAX]:
        state = await queue_state(node, queue)
        for caller in () if state is None else state.callers:
            if caller.uniqueid in by_channel:
                positions[by_channel[caller.uniqueid]] = caller.position
    return positions


async def queue_state(node: NodeServices, queue: Extension) -> QueueState | None:
    """The queue as the PBX has it; None if the PBX does not tell."""
    try:
        return await node.queue_agents.state(queue)
    except _NOT_TOLD:
        return None


def _queues_of(directory: Directory, calls: Sequence[PhoneCall]) -> list[Extension]:
    known = directory.extensions
    found = {}
    for call in calls:
        for number in call.extensions:
            extension = known.get(number)
            if extension is not None and extension.queue is not None:
                found[number] = extension
    return list(found.values())


def _is_in_it(leg: Leg) -> bool:
    """A caller's own phone is, before the queue answers it; a source that still rings is not."""
    return leg.phase is LegPhase.UP or (leg.calls_in and leg.phase is not LegPhase.GONE)


def with_queue_position(item: Json, call: PhoneCall, position: int | None) -> Json:
    """The PhoneCall `item` with that position in the view of each party that waits."""
    views = item.get("phoneCallView")
    if position is None or not isinstance(views, list):
        return item
    waiting = {x.view_id for x in call.legs if x.side is Side.SOURCE and _is_in_it(x)}
    shown = [{**x, "queuePosition": position} if x["id"] in waiting else x for x in views]
    return {**item, "phoneCallView": shown}
