"""The edge: who may register there, and who is registered. Without one nothing of it is loaded."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.calls.state.pbx_events import PhoneReachability
from bridge.clock import now_ms
from bridge.config.settings import Settings
from bridge.pbx.ami.browser_endpoints import BROWSER_SUFFIX
from bridge.pbx.ami.link import AmiLink
from bridge.pbx.ari.client import AriClient
from bridge.pbx.phones.reachability import EndpointStates
from bridge.pbx.phones.registrations import Registrations, RegistrationSource
from bridge.storage.write_queue import WriteQueue
from bridge.supervision.tasks import must_live

if TYPE_CHECKING:
    from bridge.cluster.edge.registered_phones import RegisteredPhones
    from bridge.cluster.edge.subscribers import Subscribers
    from bridge.pbx.phones.edge_phones import EdgePhones


@dataclass(frozen=True, slots=True)
class Edge:
    """The parts that all nodes of an instance share."""

    registered: RegisteredPhones
    subscribers: Subscribers


@dataclass(frozen=True, slots=True)
class PhonesOfNode:
    """Which phones one PBX can reach. `edge` None: they register at the PBX itself."""

    edge: EdgePhones | None
    endpoint_states: EndpointStates

    def registrations(self, link: AmiLink) -> RegistrationSource:
        """The source of the registrations of phones."""
        return self.edge or Registrations(link)


async def open_edge(
    stack: AsyncExitStack, settings: Settings, engine: AsyncEngine, queue: WriteQueue
) -> Edge | None:
    """None without an edge. Raises StorageUnavailable, StorageUnusable."""
    if not settings.edge_address:
        return None
    from bridge.cluster.edge.registered_phones import RegisteredPhones
    from bridge.cluster.edge.subscribers import Subscribers
    from bridge.cluster.edge.tables import make_edge_tables

    await make_edge_tables(engine)
    registered = RegisteredPhones(engine, BROWSER_SUFFIX)
    stack.push_async_callback(must_live(registered.run(), "edge_phones").stop)
    return Edge(registered, Subscribers(engine, queue, settings.edge_realm))


def phones_of_node(edge: Edge | None, ari: AriClient) -> PhonesOfNode:
    """Of the PBX of that ARI."""
    if edge is None:
        return PhonesOfNode(None, ari.endpoint_states)
    from bridge.pbx.phones.edge_phones import EdgePhones

    phones = EdgePhones(edge.registered, ari.endpoint_states)
    return PhonesOfNode(phones, phones.endpoint_states)


def follow_edge(stack: AsyncExitStack, edge: Edge | None, link: AmiLink) -> None:
    """Tell the link of each phone that comes to the edge, or goes, until the stack ends."""
    if edge is None:
        return

    def told(number: str, there: bool) -> None:
        link.phone_told(PhoneReachability(now_ms(), f"PJSIP/{number}", there))

    stack.callback(edge.registered.tell(told))
