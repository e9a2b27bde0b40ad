"""Queues in the readiness check: the right and module to log agents in, and the queues themselves.
Calls work without them."""

from __future__ import annotations

from bridge.directory.directory import Directory
from bridge.pbx.ami.message import Headers
from bridge.pbx.ami.values import AmiAction
from bridge.pbx.readiness.ami import AmiLook
from bridge.pbx.readiness.finding import Finding, advice, ok


async def queue_findings(look: AmiLook, directory: Directory, *, written: bool) -> list[Finding]:
    """`written`: the service writes the queues for this PBX, so they may not be there yet."""
    queues = [x.queue for x in directory.extensions.values() if x.queue is not None]
    if not queues:
        return []
    if "QueueStatus" not in look.commands:
        return [
            advice(
                "module app_queue: not loaded, no queues and agents",
                "modules.conf: load = app_queue.so; it is in Debian's package asterisk",
            )
        ]
    found = [_right(look)]
    if not written:
        there = await _names(look)
        for queue in queues:
            point = f"queue {queue.name}"
            missing = advice(
                f"{point}: there is none, and its agents cannot be logged in",
                f"queues.conf: [{queue.name}]; or `name` of the queue in the directory",
            )
            found.append(ok(point) if queue.name.lower() in there else missing)
    return found


def _right(look: AmiLook) -> Finding:
    point = "AMI right write = agent, to log agents of queues in and out"
    if "QueueAdd" in look.commands:
        return ok(point)
    user = look.settings.username
    return advice(
        f"{point}: it is not there",
        f"manager.conf [{user}]: add agent to `write`, then `manager reload`",
    )


async def _names(look: AmiLook) -> set[str]:
    items: list[Headers] = []
    action = AmiAction("QueueStatus", each_item=items.append, item_event="QueueParams")
    await look.connection.send(action, look.settings.action_timeout_s)
    return {x.get("Queue", "").lower() for x in items}
