"""The actions of an app in a recorded story, as the service does them (bridge/calls/steering)."""

from __future__ import annotations

from bridge.calls.live.change import Change
from bridge.calls.live.tracker import CallTracker
from bridge.calls.state.acting_calls import can_act_on, listens, party_for
from bridge.calls.state.acts_on import CallAction
from bridge.calls.state.api_transfer import target_leg, with_transfer
from bridge.calls.state.call_views import views_of
from bridge.calls.state.phone_call import EndedBy, Flow, Leg, LegPhase, Origin, PhoneCall, Side
from bridge.calls.steering.acting_calls import ActionOrder
from bridge.directory.caller_ids import CallerId
from bridge.directory.directory import Directory
from bridge.directory.party import Party

from .recorded_events import RecordedEvent

PICK_UP = CallAction.PICK_UP


def transferred(told: RecordedEvent, tracker: CallTracker, directory: Directory) -> list[Change]:
    """The change of the call that comes before the PBX is asked."""
    headers, number = told.headers, told.headers["ToExten"]
    extension = number if number in directory.extensions else None

    def change(call: PhoneCall) -> PhoneCall:
        [by] = [x for x in call.legs if x.number == headers["ByExten"]]
        target = target_leg(call, number, number, dial_of(number, directory), extension)
        return with_transfer(call, by.view_id, number, target)

    return tracker.change(headers["CallId"], change)


def acting_call(
    told: RecordedEvent, tracker: CallTracker, directory: Directory
) -> PhoneCall | None:
    """The call that acts on a live one, as ActingCalls and CallPlacement made it.

    None where they refuse it, as events before it are missing.
    """
    headers, number = told.headers, told.headers["ByExten"]
    phone = directory.extensions[number]
    other = tracker.live.find(headers["OtherCallId"])
    if other is None:
        return None
    action = CallAction(headers["ActionOfApp"])
    [meant] = [x.leg for x in views_of(other) if x.leg.view_id == headers["ViewId"]]
    party = party_for(action, other, meant)
    if party is None:
        return None
    caller_id = CallerId(phone.caller_name, phone.caller_number)
    whom = Party(number, number, phone, phone.dial, phone.endpoint)
    order = ActionOrder(action, other, party, whom, phone, caller_id, 25, 7200, "user-12")
    source = Leg("00", Side.SOURCE, number, number, dial=phone.dial, extension=number)
    return PhoneCall(
        id=headers["CallId"],
        pbx="pbx1",
        linkedid=headers["CallId"],
        origin=Origin.API,
        flow=Flow.LOCAL,
        published_ms=int(headers["AskedMs"]),
        extension=number,
        extension_spelled=number,
        user_id=phone.user_id,
        organization=phone.organization,
        client_id="user-12",
        duration_s=7200,
        acts_on=order.acts_on,
        dialled="" if action.listens else party.number if action is PICK_UP else other.dialled,
        legs=(source,),
    )


_ENDS = ("DialEnd", "OriginateResponse", "HangupRequest", "Hangup")


def end_overtaken(event: RecordedEvent, tracker: CallTracker) -> None:
    """Mark a call whose other call needs it no more, before the first event of its end.

    OtherCalls has hung it up by then, unless its phone has answered.
    """
    headers = event.headers
    if headers["Event"] not in _ENDS:
        return
    for uniqueid in (headers.get("Uniqueid", ""), headers.get("DestUniqueid", "")):
        call = tracker.live.of_channel(uniqueid)
        if call is None or call.acts_on is None:
            continue
        decided = not listens(call) and any(x.phase is LegPhase.UP for x in call.legs)
        other = tracker.live.find(call.acts_on.call_id)
        if not decided and not can_act_on(call.acts_on, other):
            tracker.mark_hang_up(call.id, EndedBy.OTHER_CALL, event.received_ms)


def dial_of(number: str, directory: Directory) -> str:
    if number in directory.extensions:
        return directory.extensions[number].dial
    if "*" in number:
        return directory.service_dial(number)
    assert directory.outbound_route is not None
    return directory.outbound_route.dial(number)
