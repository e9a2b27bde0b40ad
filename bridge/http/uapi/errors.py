"""Errors in the form of the UnifiedAPI, and the one place that maps ours to them.

Body `{"error": {"code", "message"}}` (docs/reference/uapi.md §6); the codes of Create are in
docs/reference/specification.md §4, the codes of Delete in docs/reference/specification.md §1. Ours,
where the specification has none: `request_invalid`, `pc_video_invalid`, `pc_recording_invalid`,
`too_many_requests`, `pbx_unavailable`, `call_not_placed`, `idempotency_key_invalid`,
`idempotency_conflict`, `cursor_invalid`, `not_found`, `method_not_allowed`, `pc_action_failed`,
`pc_action_unknown`, `pbx_value_invalid` and the codes of actions in bridge/http/uapi/actions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from aiohttp import web

from bridge.access.guess_guard import TooManyGuesses
from bridge.calls.errors import CallNotPlaced, TooManyCalls
from bridge.calls.pbx import (
    InvalidPbxValue,
    PbxNotHeld,
    PbxOutcomeUnknown,
    PbxRefused,
    PbxUnavailable,
)
from bridge.calls.steering.errors import ActionFailed, ActionUnavailable, TransferNotAllowed
from bridge.directory.errors import ExtensionInvalid, UserInvalid
from bridge.faults import Fenced, StorageUnavailable
from bridge.http.errors import (
    TAKEN_OVER_RETRY_AFTER_S,
    UNREADABLE_BODY,
    UapiError,
    invalid,
)
from bridge.queues.queue_agents import NoSuchAgent
from bridge.queues.queue_pbx import QueueRefused, QueuesNotPossible

PBX_RETRY_AFTER_S = 5


def as_uapi_error(fault: Exception) -> UapiError | None:
    """Our own errors as the API's; None for what is a defect of ours."""
    if isinstance(fault, UapiError):
        return fault
    # The most special class of the fault that has an answer.
    answer = next((UAPI_ANSWERS[x] for x in type(fault).__mro__ if x in UAPI_ANSWERS), None)
    return None if answer is None else answer(fault)


def _too_many_calls(fault: TooManyCalls) -> UapiError:
    retry = {"Retry-After": str(math.ceil(fault.retry_after_s))}
    return UapiError(429, "too_many_requests", str(fault), retry)


def _too_many_guesses(fault: TooManyGuesses) -> UapiError:
    retry = {"Retry-After": str(fault.retry_after_s)}
    return UapiError(429, "too_many_requests", f"{fault}.", retry)


def _pbx_unavailable(fault: PbxUnavailable) -> UapiError:
    retry = {"Retry-After": str(PBX_RETRY_AFTER_S)}
    return UapiError(503, "pbx_unavailable", f"The PBX cannot be used now: {fault}", retry)


def _not_held(fault: PbxNotHeld | Fenced) -> UapiError:
    retry = {"Retry-After": str(TAKEN_OVER_RETRY_AFTER_S)}
    return UapiError(503, "pbx_unavailable", f"The PBX cannot be used now: {fault}.", retry)


def _storage_unavailable(_: StorageUnavailable) -> UapiError:
    retry = {"Retry-After": str(PBX_RETRY_AFTER_S)}
    return UapiError(503, "storage_unavailable", "Nothing can be stored at the moment.", retry)


def _call_not_placed(fault: CallNotPlaced) -> UapiError:
    text = f"The PBX did not take call {fault.call_id}: {fault}"
    return UapiError(502, "call_not_placed", text)


def _action_failed(fault: ActionFailed | PbxRefused) -> UapiError:
    return UapiError(409, "pc_action_failed", f"The action was not carried out: {fault}.")


def _pbx_value_invalid(fault: InvalidPbxValue) -> UapiError:
    """The values of a request have codes of their own. This one came from the PBX, or from its
    configuration, for example the name of a channel."""
    text = f"Not done: the PBX has a name that cannot be written to it safely ({fault})."
    return UapiError(409, "pbx_value_invalid", text)


def _action_unavailable(fault: ActionUnavailable) -> UapiError:
    return UapiError(501, "request_not_implemented", f"The PBX lacks what this needs: {fault}.")


def _action_unknown(fault: PbxOutcomeUnknown) -> UapiError:
    return UapiError(
        504, "pc_action_unknown", f"The PBX did not say in time whether it did it: {fault}."
    )


def _transfer_not_allowed(fault: TransferNotAllowed) -> UapiError:
    return invalid("pc_transfer_invalid", f"The rule of the call forbids it: {fault}.")


def _unreadable_body(_: Exception) -> UapiError:
    return invalid("request_invalid", "The body is not encoded as its headers say.")


def _of_http(fault: web.HTTPException) -> UapiError:
    if fault.status == 404:
        return UapiError(404, "not_found", "There is no such resource.")
    if fault.status == 405:
        allow = fault.headers.get("Allow", "")
        return UapiError(
            405, "method_not_allowed", f"This resource allows {allow}.", {"Allow": allow}
        )
    if fault.status == 413:
        return UapiError(413, "request_too_large", "The body is larger than this service takes.")
    if fault.status == 417:
        return UapiError(417, "request_invalid", "Expect must be 100-continue, or left out.")
    return UapiError(fault.status, "request_invalid", fault.reason)


def _queues_not_possible(fault: QueuesNotPossible) -> UapiError:
    return UapiError(501, "request_not_implemented", f"Queues cannot be used: {fault}.")


def _queue_refused(fault: QueueRefused) -> UapiError:
    text = f"Asterisk did not change the agent: {fault}"
    return UapiError(409, "qag_not_changed", text)


def _no_such_agent(fault: NoSuchAgent) -> UapiError:
    return invalid("qag_agent_invalid", "The agent must be the number of an agent of this queue.")


UAPI_ANSWERS: dict[type, Callable[[Any], UapiError]] = {
    UserInvalid: lambda fault: invalid("user_invalid", fault.reason),
    ExtensionInvalid: lambda fault: invalid("extension_invalid", fault.reason),
    TooManyCalls: _too_many_calls,
    TooManyGuesses: _too_many_guesses,
    PbxUnavailable: _pbx_unavailable,
    PbxNotHeld: _not_held,
    Fenced: _not_held,
    StorageUnavailable: _storage_unavailable,
    CallNotPlaced: _call_not_placed,
    QueuesNotPossible: _queues_not_possible,
    QueueRefused: _queue_refused,
    NoSuchAgent: _no_such_agent,
    ActionFailed: _action_failed,
    PbxRefused: _action_failed,
    InvalidPbxValue: _pbx_value_invalid,
    PbxOutcomeUnknown: _action_unknown,
    ActionUnavailable: _action_unavailable,
    TransferNotAllowed: _transfer_not_allowed,
    **dict.fromkeys(UNREADABLE_BODY, _unreadable_body),
    web.HTTPException: _of_http,
}
"""From the class of a fault, or of one of its bases, to the answer."""
