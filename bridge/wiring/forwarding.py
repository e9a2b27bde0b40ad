"""Wiring of the way of a request to the instance that holds its PBX, in one of several."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.cluster.calls_away import CallsAway
from bridge.cluster.forward_client import ForwardClient
from bridge.cluster.forward_header import ForwardSigner
from bridge.cluster.forwarding import Forwarder
from bridge.cluster.instances import Instances
from bridge.cluster.lease import Leases
from bridge.cluster.pbx_names import OnePbx, Placements
from bridge.cluster.pbx_of_calls import PbxOfCalls
from bridge.cluster.placement_choice import PLACED_EVERY_S
from bridge.cluster.replayed_forwards import ReplayedForwards
from bridge.cluster.stored_placements import StoredPlacements
from bridge.cluster.told_instances import ToldInstances
from bridge.config.pbx_entries import settings_of_pbxs
from bridge.config.settings import Settings
from bridge.directory.loader import CurrentDirectory
from bridge.http.cluster.creates import Creates
from bridge.http.cluster.gathered_calls import GatheredCalls
from bridge.http.cluster.hang_ups import HangUps
from bridge.http.cluster.holders import Holders
from bridge.http.cluster.reception import Reception, with_forwarded
from bridge.http.cluster.route_to_pbx import RouteToPbx
from bridge.http.cluster.routing import Routing
from bridge.http.cluster.stored_calls import StoredCalls
from bridge.http.cluster.streams import Streams
from bridge.http.cluster.verba_requests import VerbaRequests
from bridge.http.cluster.written_records import WrittenRecords
from bridge.http.context import NODE, Services
from bridge.http.server import AROUND, Around
from bridge.http.shared_tokens import learning_tokens
from bridge.http.uapi.accepted_answer import created_answer
from bridge.http.uapi.listed_calls import listed_of_node
from bridge.supervision.intervals import every
from bridge.supervision.tasks import must_live
from bridge.wiring.shared_memory import SharedMemory

Surround = Callable[[web.Application], None]
"""Has an application, with all its routes, send each request to the holder of its PBX."""

# A connection is given up well before the other instance closes it.
_KEPT_SHARE = 0.2


async def open_forwarding(
    stack: AsyncExitStack,
    settings: Settings,
    services: Services,
    engine: AsyncEngine,
    leases: Leases,
    placements: Placements,
    written: Callable[[], Awaitable[object]],
    memory: SharedMemory,
    instances: Instances,
) -> Surround:
    """`written`: returns once all that the nodes of this instance know is on disk, or cannot be.
    `memory` is kept in line with those of the other `instances`.
    """
    clock = memory.clock
    signer = ForwardSigner(settings.cluster_secret.get_secret_value(), settings.instance_name)
    kept_s = settings.http_idle_timeout_s * _KEPT_SHARE
    client = await stack.enter_async_context(
        ForwardClient(signer, kept_s=kept_s, trace=services.traces.carried_on)
    )
    forwarder = Forwarder(settings.instance_name, leases, client, clock)
    memory.notes.ask = ToldInstances(settings.instance_name, instances, client, clock).ask
    routing = _routing(
        settings, services, engine, leases, placements, forwarder, written, memory.reader.catch_up
    )
    reception = Reception(signer, ReplayedForwards(), clock)

    def surround(app: web.Application) -> None:
        app.middlewares.append(learning_tokens)  # first: the way of a request depends on its app
        app.middlewares.append(routing.middleware(app))
        app[AROUND] = Around(partial(with_forwarded, reception=reception))

    return surround


async def open_placements(
    stack: AsyncExitStack,
    settings: Settings,
    engine: AsyncEngine,
    directory: CurrentDirectory,
    away: CallsAway,
) -> Placements:
    """Raises StorageUnavailable."""
    names = [x.pbx_name for x in settings_of_pbxs(settings)]
    if len(names) == 1:
        return OnePbx(names[0])
    placements = StoredPlacements(engine, names, lambda: directory.directory.organizations, away)
    await placements.read()
    reading = must_live(every(PLACED_EVERY_S, "placements", placements.read), "placements")
    stack.push_async_callback(reading.stop)
    return placements


def _routing(
    settings: Settings,
    services: Services,
    engine: AsyncEngine,
    leases: Leases,
    placements: Placements,
    forwarder: Forwarder,
    written: Callable[[], Awaitable[object]],
    read_changes: Callable[[], Awaitable[None]],
) -> Routing:
    def choose_node(request: web.Request, pbx: str) -> bool:
        node = services.nodes.get(pbx)
        if node is None:
            return False
        request[NODE] = node
        return True

    holders = Holders(
        forwarder,
        leases,
        choose_node,
        min_bytes_per_s=settings.recording_download_min_bytes_per_s,
    )
    calls = PbxOfCalls(engine)
    stored = StoredCalls(services.records.live)
    to_pbx = RouteToPbx(
        holders,
        placements,
        calls,
        Creates(
            holders,
            services.records.find,
            created_answer,
            create_limit_s=services.settings.uapi.create_limit_s,
        ),
        GatheredCalls(forwarder, choose_node, listed_of_node, stored),
        HangUps(holders),
        WrittenRecords(forwarder, placements),
        Streams(holders),
        VerbaRequests(holders, placements, calls, next_call_wait_s=settings.verba_next_call_wait_s),
    )
    return Routing(holders, to_pbx, listed_of_node, written, read_changes)
