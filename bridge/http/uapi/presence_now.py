"""The presence of extensions at this moment, made of their calls and of answers of the PBX."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from bridge.calls.state.presence import Presence, presence_in_calls
from bridge.directory.model import Extension
from bridge.http.node_services import NodeServices
from bridge.http.uapi.presence_json import ExtensionPresence
from bridge.http.uapi.queue_positions import QUEUES_ASKED_MAX, queue_state
from bridge.supervision.tasks import awaited

PAGE_MAX = 200
"""Each phone of a page costs several questions to the PBX."""


async def queues_without_agents(
    node: NodeServices, extensions: Sequence[Extension]
) -> frozenset[str]:
    """The queues in which nobody can answer now. One that the PBX does not tell of is not."""
    found = set()
    for extension in [x for x in extensions if x.queue is not None][:QUEUES_ASKED_MAX]:
        state = await queue_state(node, extension)
        if state is not None and not any(x.available and not x.paused for x in state.members):
            found.add(extension.number)
    return frozenset(found)


def presence_of(node: NodeServices, extension: Extension, unattended: bool) -> ExtensionPresence:
    """Without the registrations, so without a question to the PBX."""
    if not node.pbx.link.up or unattended:
        return ExtensionPresence(extension, Presence.UNKNOWN)
    there = not extension.endpoint or node.pbx.reachable(extension.endpoint)
    alone = Presence.ONLINE if there else Presence.UNKNOWN
    if not extension.endpoint:
        return ExtensionPresence(extension, alone)
    calls = node.live_calls.meant((extension,))
    return ExtensionPresence(extension, presence_in_calls(calls, extension.number) or alone)


async def with_registrations(
    node: NodeServices, page: Sequence[ExtensionPresence]
) -> list[ExtensionPresence]:
    ask = partial(_asked, node)
    return list(await asyncio.gather(*(awaited(ask(x), "registrations") for x in page)))


async def _asked(node: NodeServices, one: ExtensionPresence) -> ExtensionPresence:
    if not one.extension.endpoint or not node.pbx.link.up:
        return one
    endpoint = one.extension.endpoint
    phones = await node.registrations.of(endpoint)
    if phones is None:
        return one
    since_ms = partial(node.phone_changes.registered_since_ms, endpoint)
    return replace(one, phones=[replace(x, since_ms=since_ms(x.address)) for x in phones])
