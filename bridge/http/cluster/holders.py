"""Has a request carried out where its PBX is held: here, or by another instance."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import web

from bridge.calls.pbx import PbxNotHeld, PbxOutcomeUnknown
from bridge.cluster.forward_client import ForwardBroken
from bridge.cluster.forward_header import Forward
from bridge.cluster.forwarding import DEADLINE_S, Forwarder, HeldHere, NoHolder
from bridge.cluster.lease import Leases, pbx_resource
from bridge.http.cluster.outgoing import outgoing, stated
from bridge.http.cluster.relay import relayed

AppHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ChooseNode(Protocol):
    """Has the handlers of a request use the node of this PBX."""

    def __call__(self, request: web.Request, pbx: str) -> bool:
        """False where this instance does not have the node."""


class Holders:
    """`min_bytes_per_s`: a client that takes less of a long answer is broken off."""

    def __init__(
        self,
        forwarder: Forwarder,
        leases: Leases,
        choose_node: ChooseNode,
        *,
        min_bytes_per_s: int,
    ) -> None:
        self.forwarder = forwarder
        self.leases = leases
        self.choose_node = choose_node
        self.min_bytes_per_s = min_bytes_per_s

    def takes(self, request: web.Request, pbx: str, *, new_call: bool = False) -> bool:
        """Whether this instance carries the request out for that PBX, and then with its node.

        A paused node lists and hangs up, and takes no new call.
        """
        if new_call and self.leases.held(pbx_resource(pbx)) is None:
            return False
        return self.choose_node(request, pbx)

    async def carried_out(
        self,
        request: web.Request,
        handler: AppHandler,
        pbx: str,
        *,
        repeatable: bool,
        head_within_s: float = DEADLINE_S,
    ) -> web.StreamResponse:
        """The answer of the holder. `repeatable`: to carry the request out twice does no harm.

        Raises PbxNotHeld, PbxOutcomeUnknown, and what the handler raises.
        """
        if self.takes(request, pbx):
            return await handler(request)
        tries = 2 if repeatable else 1
        for left in range(tries - 1, -1, -1):
            try:
                return await self.forwarded(request, pbx, head_within_s=head_within_s)
            except HeldHere:
                return await handler(request)
            except NoHolder as why:
                raise PbxNotHeld(str(why)) from None
            except ForwardBroken as why:
                if not left:
                    raise _broken(why, repeatable=repeatable) from None
        raise AssertionError("unreachable")

    async def forwarded(
        self,
        request: web.Request,
        pbx: str,
        *,
        forward: Forward | None = None,
        new_call: bool = False,
        head_within_s: float = DEADLINE_S,
        found_within_s: float = DEADLINE_S,
    ) -> web.StreamResponse:
        """The answer of another instance. Raises HeldHere, NoHolder, ForwardBroken."""
        async with self.forwarder.answer(
            pbx,
            forward or stated(request),
            await outgoing(request),
            lambda: self.takes(request, pbx, new_call=new_call),
            head_within_s=head_within_s,
            found_within_s=found_within_s,
        ) as answer:
            return await relayed(request, answer, min_bytes_per_s=self.min_bytes_per_s)


def _broken(why: ForwardBroken, *, repeatable: bool) -> Exception:
    text = f"the instance that holds the PBX did not answer ({why})"
    return PbxNotHeld(text) if repeatable else PbxOutcomeUnknown(text)
