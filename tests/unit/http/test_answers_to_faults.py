"""Each fault of the domain has an answer in each API, or a place that handles it before."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from structlog.testing import capture_logs

import bridge
from bridge.calls.errors import CallNotPlaced, TooManyCalls
from bridge.calls.pbx import InvalidPbxValue, PbxOutcomeUnknown, PbxRefused, PbxUnavailable
from bridge.directory.errors import ExtensionInvalid, UserInvalid
from bridge.faults import StorageOverloaded, StorageUnavailable
from bridge.http.error_answers import answering_errors
from bridge.http.uapi.errors import UAPI_ANSWERS, as_uapi_error
from bridge.http.verba.errors import VERBA_ANSWERS, Code, as_verba_error
from bridge.recordings.deletion import AlreadyGone, CallProtected, UnderRetention
from bridge.recordings.file_removal import NotRemoved
from bridge.recordings.recording_pbx import AudioError, AudioMissing, NoSuchChannel

ROOT = Path(bridge.__file__).parents[1]
# Rooms that answer no request of these APIs: programs of their own, tests, and what runs before.
OTHER_ROOMS = (
    "bridge.client",
    "bridge.command",
    "bridge.config",
    "bridge.local_asterisk",
    "bridge.testing",
)

# Faults that no request sees: the file that raises them or turns them into another.
INSIDE = {
    "UnreadableDocument": "bridge/calls/store/call_store.py",
    "NumberRuleError": "bridge/directory/numbers.py",
    "UnreadableYaml": "bridge/directory/loader.py",
    "DirectoryError": "bridge/command/serving.py",
    "CannotOpen": "bridge/cluster/shared_secrets.py",
    "WrongFlow": "bridge/command/flow/commands.py",
    "DatabaseTooNew": "bridge/command/serving.py",
    "StorageUnusable": "bridge/command/serving.py",
    "FencesLost": "bridge/storage/batch_commit.py",
    "TransactionConflict": "bridge/storage/batch_commit.py",
    "NoAnswer": "bridge/phone_call_events/sender.py",
    "TargetRefused": "bridge/phone_call_events/target_address.py",
    "NotConnected": "bridge/phone_call_events/sender.py",
    "ConnectionClosed": "bridge/phone_call_events/receiver_connections.py",
    "CannotListen": "bridge/command/serving.py",
    "MessageTooLong": "bridge/pbx/ami/connection.py",
    "NotAnAmiServer": "bridge/pbx/ami/connection.py",
    "LoginRefused": "bridge/pbx/ami/connection.py",
    "AriError": "bridge/pbx/ami/steering.py",
    "MailboxUnavailable": "bridge/voicemail/mailboxes.py",
    "CallGoesOn": "bridge/voicemail/mailboxes.py",
    "StoppedByGuard": "bridge/http/keyed_answers.py",
    "LimitReached": "bridge/http/verba/markers.py",
    "UnreadableTimeline": "bridge/http/uapi/timeline/routes.py",
    "TooManySignIns": "bridge/http/console/sign_in.py",
    "TooManySecrets": "bridge/http/uapi/phone_call_event_secrets.py",
    "PackagesMissing": "bridge/command/serving.py",
    "ForwardRefused": "bridge/http/cluster/reception.py",
    "NotCarriedOut": "bridge/cluster/forwarding.py",
    "NotHolder": "bridge/cluster/forwarding.py",
    "ForwardBroken": "bridge/http/cluster/holders.py",
    "HeldHere": "bridge/http/cluster/holders.py",
    "NoHolder": "bridge/http/cluster/holders.py",
    "OwnerSilent": "bridge/http/cluster/gathered_calls.py",
    "NothingAccepted": "bridge/http/cluster/creates.py",
    "RouteMissing": "bridge/http/cluster/route_table.py",
    "EpochsWentBack": "ends the task of the leases, which must live",
    "InstanceNameInUse": "ends the task of the leases, which must live",
}
RECORDING_ONLY = "raised by recordings, which only Verba asks"
CALLS_ONLY = "raised by what only the UnifiedAPI asks"
OAUTH = "bridge/http/oauth/token.py"
VERBA_REQUEST = "bridge/http/verba/request.py"

# By API: what the table need not have, with the file that handles it or the reason.
UAPI_ELSEWHERE = INSIDE | {
    "NumberInvalid": "bridge/http/uapi/create_simple_request.py",
    "CallerIdInvalid": "bridge/http/uapi/create_simple_request.py",
    "IdempotencyConflict": "bridge/http/keyed_answers.py",
    "UrlInvalid": "bridge/http/uapi/phone_call_event_request.py",
    "TooManySubscriptions": "bridge/http/uapi/phone_call_event_routes.py",
    "SubscriptionDisabled": "bridge/http/uapi/phone_call_event_deliveries.py",
    "TooManyTests": "bridge/http/uapi/phone_call_event_tests.py",
    "AccessDenied": "bridge/http/uapi/scope.py",
    "OAuthError": OAUTH,
    "TooManyGuesses": OAUTH,
    **dict.fromkeys(("DeletionForbidden", "AlreadyGone", "NotRemoved"), RECORDING_ONLY),
    **dict.fromkeys(("AudioError", "CallNotFound", "SeveralCalls", "ClientGone"), RECORDING_ONLY),
    **dict.fromkeys(
        ("KeyRefused", "LoginRequired", "TokenRefused", "CredentialsRefused"),
        "raised by the access of Verba",
    ),
    "UapiError": "bridge/http/error_answers.py",
    "VerbaError": "raised by the routes of Verba",
}
VERBA_ELSEWHERE = INSIDE | {
    "CallNotFound": "bridge/http/verba/selector.py",
    "SeveralCalls": "bridge/http/verba/selector.py",
    "ClientGone": "bridge/http/verba/api.py",
    "KeyRefused": VERBA_REQUEST,
    "LoginRequired": VERBA_REQUEST,
    "TokenRefused": VERBA_REQUEST,
    "TooManyGuesses": VERBA_REQUEST,
    "CredentialsRefused": "bridge/http/verba/request_token.py",
    **dict.fromkeys(("TooManyCalls", "CallNotPlaced", "IdempotencyConflict"), CALLS_ONLY),
    **dict.fromkeys(("ActionFailed", "ActionUnavailable", "TransferNotAllowed"), CALLS_ONLY),
    **dict.fromkeys(("Unresolvable", "AccessDenied", "OAuthError"), CALLS_ONLY),
    **dict.fromkeys(("UrlInvalid", "TooManySubscriptions", "SubscriptionDisabled"), CALLS_ONLY),
    **dict.fromkeys(("TooManySecrets", "TooManyTests"), CALLS_ONLY),
    **dict.fromkeys(("QueuesNotPossible", "QueueRefused", "NoSuchAgent"), CALLS_ONLY),
    "UapiError": "bridge/http/verba/api.py",
    "VerbaError": "bridge/http/verba/api.py",
}
# Only bases; what is raised are the classes below them.
BASES = {"Unresolvable", "DeletionForbidden"}


def faults() -> Iterator[type[Exception]]:
    for module in pkgutil.walk_packages(bridge.__path__, "bridge."):
        name = module.name
        if name.startswith((*OTHER_ROOMS, "bridge.storage.migrations.")):
            continue
        for thing in vars(importlib.import_module(name)).values():
            is_fault = isinstance(thing, type) and issubclass(thing, Exception)
            if is_fault and thing.__module__ == name and not thing.__name__.startswith("_"):
                yield thing


FAULTS = sorted(faults(), key=lambda x: x.__name__)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda x: x.__name__)
@pytest.mark.parametrize(
    ("table", "elsewhere"),
    [(UAPI_ANSWERS, UAPI_ELSEWHERE), (VERBA_ANSWERS, VERBA_ELSEWHERE)],
    ids=["uapi", "verba"],
)
def test_each_fault_has_its_answer(
    table: Mapping[type, object], elsewhere: Mapping[str, str], fault: type[Exception]
) -> None:
    if any(x in table for x in fault.__mro__) or fault.__name__ in BASES:
        return
    named = [elsewhere[x.__name__] for x in fault.__mro__ if x.__name__ in elsewhere]
    assert named, f"{fault.__name__} would be answered as a defect of ours"
    place = ROOT / named[0]
    if named[0].startswith("bridge/"):
        handled = [x.__name__ for x in fault.__mro__ if x.__name__ in elsewhere]
        assert handled[0] in place.read_text(encoding="utf-8"), named[0]


def test_the_faults_handled_elsewhere_exist() -> None:
    known = {x.__name__ for x in FAULTS}
    assert set(UAPI_ELSEWHERE) | set(VERBA_ELSEWHERE) | BASES <= known


@pytest.mark.parametrize(
    ("fault", "status", "code", "retry"),
    [
        (UserInvalid("why"), 400, "user_invalid", None),
        (ExtensionInvalid("why"), 400, "extension_invalid", None),
        (TooManyCalls("why", 7), 429, "too_many_requests", "7"),
        (PbxUnavailable("why"), 503, "pbx_unavailable", "5"),
        (StorageOverloaded("why"), 503, "storage_unavailable", "5"),
        (CallNotPlaced("id", "why"), 502, "call_not_placed", None),
        (InvalidPbxValue("channel: must be a name"), 409, "pbx_value_invalid", None),
    ],
    ids=lambda x: type(x).__name__ if isinstance(x, Exception) else None,
)
def test_given_a_fault_then_the_uapi_answers(
    fault: Exception, status: int, code: str, retry: str | None
) -> None:
    error = as_uapi_error(fault)
    assert error is not None
    assert (error.status, error.code, error.headers.get("Retry-After")) == (status, code, retry)


@pytest.mark.parametrize(
    ("fault", "code", "says"),
    [
        (CallProtected("{why}"), Code.CALL_PROTECTED, "{why}"),
        (UnderRetention("why"), Code.CALL_UNDER_RETENTION, "why"),
        (NotRemoved("why"), Code.UNEXPECTED_ERROR, "(why)"),
        (AlreadyGone(), Code.CALL_NOT_FOUND, "deleted"),
        (AudioMissing("why"), Code.MEDIA_NOT_FOUND, "not there"),
        (AudioError("why"), Code.UNEXPECTED_ERROR, "(why)"),
        (StorageUnavailable("why"), Code.UNEXPECTED_ERROR, "database"),
        (NoSuchChannel("why"), Code.UNEXPECTED_ERROR, "PBX did not do it: why"),
        (PbxRefused("why"), Code.UNEXPECTED_ERROR, "why"),
        (PbxOutcomeUnknown("why"), Code.UNEXPECTED_ERROR, "why"),
        (InvalidPbxValue("why"), Code.UNEXPECTED_ERROR, "PBX did not do it: why"),
    ],
    ids=lambda x: type(x).__name__ if isinstance(x, Exception) else None,
)
def test_given_a_fault_then_verba_answers(fault: Exception, code: Code, says: str) -> None:
    error = as_verba_error(fault)
    assert error is not None
    assert error.code is code
    assert says in error.message


def test_given_a_defect_then_no_api_has_an_answer() -> None:
    assert as_uapi_error(KeyError("x")) is None
    assert as_verba_error(KeyError("x")) is None


async def test_given_a_name_that_the_pbx_must_not_get_then_the_log_says_so() -> None:
    async def handler(_: web.BaseRequest) -> web.StreamResponse:
        raise InvalidPbxValue("channel: must be the Uniqueid or name of a channel")

    request = make_mocked_request("PUT", "/uapi/x", headers={"Host": "localhost"})
    with capture_logs() as lines:
        answer = await answering_errors(handler, {})(request)
    assert answer.status == 409
    assert ("pbx_value_invalid", "warning") in [(x["event"], x["log_level"]) for x in lines]
