"""Which call a request means: exactly one selector, and `status` with an extension."""

from __future__ import annotations

import asyncio
import time

from bridge.calls.state.phone_call import PhoneCall
from bridge.http.verba.errors import Code, VerbaError, invalid_parameter
from bridge.http.verba.parameters import Parameters
from bridge.http.verba.request import VerbaRequest
from bridge.recordings.conversation import StoredConversation
from bridge.recordings.finder import CallNotFound, LookUp, SeveralCalls
from bridge.recordings.selection import Selection
from bridge.recordings.selector_status import SelectorStatus, parse_selector_status

# callID has other names in results and in some media actions (docs/reference/verba.md §1, §6).
_CALL_ID_NAMES = ("callID", "ccdr_id", "cid")
_OTHER_NAMES = ("platformCallID", "nativeID", "meetingID", "extension")
_RECORD_POLL_S = 0.2


def look_up_of(request: VerbaRequest, *, also_marked: bool = False) -> LookUp:
    """The one selector of the request and the wished state of the call.

    Raises -20 if there is none, or more than one.
    """
    given = _given(request.parameters)
    if len(given) != 1:
        raise invalid_parameter(
            "Exactly one of the parameters callID, platformCallID, nativeID, meetingID and "
            "extension is needed."
        )
    [(name, value)] = given.items()
    numbers = _meant(value.removeprefix("+"), request) if name == "extension" else frozenset()
    selection = Selection(
        conversation_id=value.lower() if name == "callID" else None,
        platform_call_id=value if name == "platformCallID" else None,
        native_id=value if name == "nativeID" else None,
        meeting_id=value if name == "meetingID" else None,
        numbers=numbers,
        organization=request.organization,
        also_marked=also_marked,
    )
    status = _status(request.parameters) if name == "extension" else ()
    return LookUp(selection, status)


async def find(
    request: VerbaRequest, *, also_marked: bool = False
) -> StoredConversation | PhoneCall:
    """The conversation, or the call that has just begun (`next`).

    `also_marked`: also one that is being deleted.
    Raises -20, -50, -1 for more than one; ClientGone, StorageUnavailable.
    """
    look_up = look_up_of(request, also_marked=also_marked)
    try:
        return await request.recordings.finder.find(look_up, request.client_is_there)
    except CallNotFound as why:
        raise _not_found(request.parameters, look_up.status, why) from None
    except SeveralCalls:
        what = _described(request.parameters, look_up.status)
        text = f"More than one call found {what}; nothing was done."
        raise VerbaError(Code.UNEXPECTED_ERROR, text) from None


async def find_conversation(request: VerbaRequest) -> StoredConversation:
    """As `find`; waits for the record of a call that has just begun."""
    found = await find(request)
    recordings = request.recordings
    until_s = time.monotonic() + request.services.settings.verba.next_call_wait_s
    while isinstance(found, PhoneCall):
        stored = await recordings.records.of_call(found.id)
        if stored is not None and stored.marks.deletion_ms is None:
            return stored
        call = recordings.switchboard.calls.live.get(found.id)
        over = call is None or stored is not None or time.monotonic() >= until_s
        if over or not recordings.switched_on or not request.client_is_there():
            raise VerbaError(Code.CALL_NOT_FOUND, "The next call was not recorded.")
        await asyncio.sleep(_RECORD_POLL_S)
    return found


def _given(parameters: Parameters) -> dict[str, str]:
    """Raises -20 where one is given twice, differently, be it under two of its names."""
    call_ids = {x for x in (parameters.get(name) for name in _CALL_ID_NAMES) if x is not None}
    if len(call_ids) > 1:
        raise invalid_parameter(
            f"Parameter callID ({', '.join(_CALL_ID_NAMES)}) is given more than once."
        )
    given = dict.fromkeys(("callID",), call_ids.pop()) if call_ids else {}
    for name in _OTHER_NAMES:
        value = parameters.get(name)
        if value is not None:
            given[name] = value
    return given


def _meant(number: str, request: VerbaRequest) -> frozenset[str]:
    """The numbers that it may stand for. Raises -20.

    A short number means another extension in each organization: nothing is done on a guess.
    """
    if "*" in number:
        return frozenset({number})
    directory, own = request.services.directory.directory, request.organization
    organizations = directory.organizations if own is None else [own]
    extensions = [f"{x}*{number}" for x in organizations]
    known = [x for x in extensions if x in directory.extensions]
    if len(known) > 1:
        raise invalid_parameter(
            "Parameter extension is a short number of several organizations; write it in the "
            f"extended form, as in {known[0]}."
        )
    # One that is not known any more has calls all the same.
    return frozenset(known or {number, *(extensions if own is not None else ())})


def _status(parameters: Parameters) -> tuple[SelectorStatus, ...]:
    try:
        return parse_selector_status(parameters.required("status"))
    except ValueError:
        raise invalid_parameter(
            "Parameter status must be ongoing, next, last, 'ongoing, next' or 'last, ongoing'."
        ) from None


def _not_found(
    parameters: Parameters, status: tuple[SelectorStatus, ...], why: CallNotFound
) -> VerbaError:
    what = _described(parameters, status)
    text = f"Call {what} not found after {why.tries} tries, with sleep time {why.sleep_ms}."
    return VerbaError(Code.CALL_NOT_FOUND, text)


def _described(parameters: Parameters, status: tuple[SelectorStatus, ...]) -> str:
    [(name, value)] = _given(parameters).items()
    if name == "extension":
        words = ",".join(x.value for x in status)
        return f"for extension {value} with status {words}"
    return f"with {name} {value}"
