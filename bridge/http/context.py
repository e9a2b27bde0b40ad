"""The parts of the service that handlers use: one typed object in the application."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from bridge.access.one_time_codes import OneTimeCodes
from bridge.access.password_sign_in import PasswordSignIn
from bridge.access.shared_codes import Codes
from bridge.access.token_service import TokenService
from bridge.access.verba_access import VerbaAccess
from bridge.calls.call_records import CallDetailRecords, CallRecords, StoredTimelines
from bridge.calls.pbx import PbxUnavailable
from bridge.directory.loader import CurrentDirectory
from bridge.http.http_settings import HttpSettings
from bridge.http.keyed_answers import KeyedAnswers
from bridge.http.node_services import HeldNodes, NodeServices
from bridge.http.ops.instance_health import InstanceHealth
from bridge.http.uapi.stream.places import StreamPlaces
from bridge.http.uapi.stream.reader_watch import ReaderWatch
from bridge.metrics.exposition import Exposition
from bridge.phone_call_events.service import PhoneCallEvents
from bridge.supervision.tasks import Supervisor
from bridge.tracing.traces import NO_TRACES, Traces


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of an instance. `nodes` are the nodes that it holds now.

    `sign_in_codes` are for client ids, `provisioning_codes` for the token of a session and the
    number of an extension. `storage_problem`: why nothing can be written to the database now; empty
    if it can. `instance_health`: of an instance of several."""

    settings: HttpSettings
    nodes: HeldNodes
    directory: CurrentDirectory
    tokens: TokenService
    password_sign_in: PasswordSignIn
    sign_in_codes: OneTimeCodes[str]
    provisioning_codes: Codes
    stream_places: StreamPlaces
    stream_readers: ReaderWatch
    records: CallRecords
    call_details: CallDetailRecords
    timelines: StoredTimelines
    keyed_answers: KeyedAnswers
    phone_call_events: PhoneCallEvents
    verba_access: VerbaAccess
    storage_problem: Callable[[], str]
    supervisor: Supervisor
    metrics: Exposition
    instance_health: InstanceHealth | None = None
    traces: Traces = NO_TRACES


SERVICES = web.AppKey("services", Services)

ENDS = web.AppKey("ends", asyncio.Event)
"""Set once no more requests are taken: what would go on without end must end."""

NODE = web.RequestKey("node", NodeServices)
"""Of a request: the node that it is for. A middleware sets it where there may be several."""


def node_of(request: web.Request) -> NodeServices:
    """The node that the request is for; the only one where nobody has chosen.

    Raises PbxUnavailable where this instance does not hold it now.
    """
    node = held_node(request)
    if node is None:
        raise PbxUnavailable("this instance does not hold it at the moment")
    return node


def held_node(request: web.Request) -> NodeServices | None:
    """As `node_of`; None where this instance does not hold it now."""
    return request.get(NODE) or request.app[SERVICES].nodes.only
