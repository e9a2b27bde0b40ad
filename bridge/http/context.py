"""The parts of the service that handlers use: one typed object in the application."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from bridge.access.one_time_codes import OneTimeCodes
from bridge.access.password_sign_in import PasswordSignIn
from bridge.access.token_service import TokenService
from bridge.access.verba_access import VerbaAccess
from bridge.calls.call_records import CallDetailRecords, CallRecords, StoredTimelines
from bridge.calls.hanging_up import HangUp
from bridge.calls.live.call_feed import CallFeed
from bridge.calls.live.switchboard import Switchboard
from bridge.calls.live.which_live_calls import LiveCalls
from bridge.calls.pbx import Pbx
from bridge.calls.placing import CallPlacement
from bridge.calls.steering.acting_calls import ActingCalls
from bridge.calls.steering.conferences import Conferences
from bridge.calls.steering.sending_digits import DigitSender
from bridge.calls.steering.steering import Steering
from bridge.directory.loader import CurrentDirectory
from bridge.http.http_settings import HttpSettings
from bridge.http.keyed_answers import KeyedAnswers
from bridge.http.uapi.idempotent_creates import IdempotentCreates
from bridge.http.uapi.stream.places import StreamPlaces
from bridge.http.uapi.stream.reader_watch import ReaderWatch
from bridge.http.uapi.stream.shared_items import SharedItems
from bridge.metrics.exposition import Exposition
from bridge.pbx.phones.browser_secrets import BrowserSecrets
from bridge.pbx.phones.directory_phones import DirectoryPhones
from bridge.pbx.phones.phone_changes import PhoneChanges
from bridge.pbx.phones.registrations import Registrations
from bridge.phone_call_events.service import PhoneCallEvents
from bridge.queues.queue_agents import QueueAgents
from bridge.recordings.service import Recordings
from bridge.supervision.tasks import Supervisor


@dataclass(frozen=True, slots=True)
class Services:
    """`sign_in_codes` are for client ids, `provisioning_codes` for the token of a session and the
    number of an extension. `storage_problem`: why nothing can be written to the database now; empty
    if it can."""

    settings: HttpSettings
    phones: DirectoryPhones
    browser_secrets: BrowserSecrets
    registrations: Registrations
    phone_changes: PhoneChanges
    directory: CurrentDirectory
    tokens: TokenService
    password_sign_in: PasswordSignIn
    sign_in_codes: OneTimeCodes[str]
    provisioning_codes: OneTimeCodes[tuple[str, str]]
    pbx: Pbx
    switchboard: Switchboard
    live_calls: LiveCalls
    placement: CallPlacement
    hang_up: HangUp
    digits: DigitSender
    conferences: Conferences
    call_feed: CallFeed
    stream_places: StreamPlaces
    stream_items: SharedItems
    stream_readers: ReaderWatch
    acting: ActingCalls
    steering: Steering
    records: CallRecords
    call_details: CallDetailRecords
    timelines: StoredTimelines
    idempotency: IdempotentCreates
    keyed_answers: KeyedAnswers
    phone_call_events: PhoneCallEvents
    recordings: Recordings
    queue_agents: QueueAgents
    verba_access: VerbaAccess
    storage_problem: Callable[[], str]
    supervisor: Supervisor
    metrics: Exposition


SERVICES = web.AppKey("services", Services)
