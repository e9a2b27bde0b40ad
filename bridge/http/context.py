"""What the handlers work with, one typed object in the application."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from bridge.calls.call_records import CallRecords
from bridge.calls.hanging_up import HangUp
from bridge.calls.pbx import Pbx
from bridge.calls.placing import CallPlacement
from bridge.calls.switchboard import Switchboard
from bridge.directory.loader import CurrentDirectory
from bridge.directory_phones import DirectoryPhones
from bridge.http.uapi.idempotency import IdempotentCreates
from bridge.oauth.token_service import TokenService
from bridge.phone_call_events.phone_call_events import PhoneCallEvents
from bridge.recordings.service import Recordings
from bridge.settings import Settings
from bridge.verba_access import VerbaAccess


@dataclass(frozen=True, slots=True)
class Services:
    """`storage_problem`: why nothing can be written to the database now; empty where it can."""

    settings: Settings
    phones: DirectoryPhones
    directory: CurrentDirectory
    tokens: TokenService
    pbx: Pbx
    switchboard: Switchboard
    placement: CallPlacement
    hang_up: HangUp
    records: CallRecords
    idempotency: IdempotentCreates
    phone_call_events: PhoneCallEvents
    recordings: Recordings
    verba_access: VerbaAccess
    storage_problem: Callable[[], str]


SERVICES = web.AppKey("services", Services)
