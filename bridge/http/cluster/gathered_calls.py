"""The live calls of extensions over several PBXs, within a second.

The holder of each PBX is asked. For a silent one the calls come from the database, as they were
stored last, and the answer says so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog
from aiohttp import web

from bridge.calls.state.call_views import extensions_in
from bridge.calls.state.phone_call import PhoneCall
from bridge.calls.store.call_document import (
    UnreadableDocument,
    call_from_document,
    call_to_document,
)
from bridge.clock import now_ms
from bridge.cluster.forwarding import Forwarder
from bridge.http.cluster.asked_owners import CALLS, OwnerSilent, ask_owners
from bridge.http.cluster.outgoing import outgoing, stated
from bridge.http.cluster.stored_calls import StoredCalls
from bridge.http.uapi.listed_calls import ListedCalls
from bridge.http.uapi.scope import Scope

log = structlog.get_logger()

ANSWERED_WITHIN_S = 0.7
"""The rest of a second is for the database."""

AskNode = Callable[[web.Request, Scope], Awaitable[ListedCalls]]
"""The live calls that the request means, of the node that was chosen for it."""


class GatheredCalls:
    """`ask_node` asks a node of this instance, and `choose_node` chooses it."""

    def __init__(
        self,
        forwarder: Forwarder,
        choose_node: Callable[[web.Request, str], bool],
        ask_node: AskNode,
        stored: StoredCalls,
    ) -> None:
        self._forwarder = forwarder
        self._choose_node = choose_node
        self._ask_node = ask_node
        self._stored = stored
        self._silent_since_ms: dict[str, int] = {}

    async def gather(
        self, request: web.Request, scope: Scope, pbx_names: Sequence[str]
    ) -> ListedCalls:
        """Raises StorageUnavailable where a holder is silent and the database as well."""
        parts: list[ListedCalls] = []
        elsewhere = []
        for pbx in pbx_names:
            if self._choose_node(request, pbx):
                parts.append(_named(await self._ask_node(request, scope), pbx))
            else:
                elsewhere.append(pbx)
        forward = stated(request, wanted=CALLS)
        answers = await ask_owners(
            self._forwarder, elsewhere, forward, await outgoing(request), ANSWERED_WITHIN_S
        )
        for pbx, answer in answers.items():
            parts.append(await self._of_answer(request, scope, pbx, answer))
        return _together(parts)

    async def _of_answer(
        self, request: web.Request, scope: Scope, pbx: str, answer: Any
    ) -> ListedCalls:
        try:
            if isinstance(answer, OwnerSilent):
                raise answer
            found = _named(listed_from_json(answer), pbx)
        except OwnerSilent as why:
            return await self._stored_calls(request, scope, pbx, str(why))
        self._silent_since_ms.pop(pbx, None)
        return found

    async def _stored_calls(
        self, request: web.Request, scope: Scope, pbx: str, why: str
    ) -> ListedCalls:
        since_ms = self._silent_since_ms.setdefault(pbx, now_ms())
        log.info("list_from_database", pbx=pbx, why=why)
        numbers = {x.number for x in scope.extensions}
        call_id = request.match_info.get("phoneCallId")
        calls = [
            x
            for x in await self._stored.of(pbx)
            if not numbers.isdisjoint(extensions_in(x)) and call_id in (None, x.id, *x.joined)
        ]
        return ListedCalls(calls, {}, since_ms, (pbx,))


def _named(listed: ListedCalls, pbx: str) -> ListedCalls:
    """With the name of the PBX, if it cannot be heard at present."""
    return listed if listed.stale_since_ms is None else replace(listed, stale_pbx_names=(pbx,))


def _together(parts: Sequence[ListedCalls]) -> ListedCalls:
    """Each call once: one that has changed its PBX meanwhile may come twice."""
    calls: dict[str, PhoneCall] = {}
    positions: dict[str, int] = {}
    for part in parts:
        calls |= {x.id: x for x in part.calls}
        positions |= part.positions
    since = [x.stale_since_ms for x in parts if x.stale_since_ms is not None]
    names = tuple(sorted(name for x in parts for name in x.stale_pbx_names))
    return ListedCalls(list(calls.values()), positions, min(since, default=None), names)


def listed_to_json(listed: ListedCalls) -> Mapping[str, object]:
    """As one instance tells another."""
    return {
        "calls": [call_to_document(x) for x in listed.calls],
        "positions": dict(listed.positions),
        "staleSinceMs": listed.stale_since_ms,
    }


def listed_from_json(value: Any) -> ListedCalls:
    """Raises OwnerSilent for anything else: an instance of another version, perhaps."""
    try:
        calls = [call_from_document(x) for x in value["calls"]]
        positions = {str(k): int(x) for k, x in value["positions"].items()}
        since = value["staleSinceMs"]
        return ListedCalls(calls, positions, None if since is None else int(since))
    except (UnreadableDocument, KeyError, TypeError, AttributeError, ValueError) as why:
        raise OwnerSilent(f"its answer cannot be read: {type(why).__name__}") from None
