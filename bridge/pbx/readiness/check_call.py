"""A call in the readiness check, between Local channels, answered and hung up: is it heard of?"""

from __future__ import annotations

from bridge.pbx.ami import values as ami_values
from bridge.pbx.ami.check_call_id import is_of_check, new_check_id
from bridge.pbx.ami.message import Headers
from bridge.pbx.pbx_settings import Dialplan
from bridge.pbx.readiness.ami import AmiLook
from bridge.pbx.readiness.finding import Finding, advice, lacking, ok, unknown

_EVENTS = (
    "Newchannel",
    "Newstate",
    "DialBegin",
    "DialState",
    "DialEnd",
    "OriginateResponse",
    "HangupRequest",
    "Hangup",
)
"""The events of a call that is answered and then hung up by AMI, in their order."""

_TOGETHER = "BridgeEnter"
"""Calls are followed without it, but for some of two that become one (docs/joined-calls.md)."""


_DIGIT = "DTMFEnd"
"""Only apps that subscribe to digits need it."""


EVENTS_OF_CALL = frozenset((*_EVENTS, _TOGETHER, _DIGIT))
"""Each event that the call shows."""


async def call_findings(look: AmiLook, plan: Dialplan) -> list[Finding]:
    """Needs [bridge-call] and its like; a call cannot be placed without."""
    point = "events of calls"
    if "Originate" not in look.commands or "ShowDialPlan" not in look.commands:
        return [unknown(point, "a call must be possible to see them")]
    for context in (plan.call_context, plan.source_context, plan.check_context):
        if not await look.has(context):
            return [unknown(point, f"a call goes through [{context}]")]
    call_id = new_check_id()
    await _place(look, plan, call_id)
    answered = await look.sees(lambda x: _is(x, "OriginateResponse", call_id))
    seen = {x["Event"] for x in look.events if is_of_check(x)}
    if answered or "DialEnd" in seen or "Newstate" in seen:
        await look.sees(lambda x: _is(x, "DialEnd", call_id))
    if answered:
        await look.sees(lambda x: _is(x, _TOGETHER, call_id))
        await _press_a_digit(look, call_id)
    await look.ask("Hangup", ("Channel", ami_values.uniqueid(call_id)))
    await look.sees(lambda x: _is(x, "Hangup", call_id))
    return _judged(look, call_id)


async def _place(look: AmiLook, plan: Dialplan, call_id: str) -> None:
    """As the service places one with two sources; whoever is called answers and is silent."""
    somebody = f"Local/{plan.check_exten}@{plan.check_context}/n"
    await look.ask(
        "Originate",
        ("Channel", f"Local/{plan.source_exten}@{plan.source_context}/n"),
        ("ChannelId", ami_values.uniqueid(call_id)),
        ("OtherChannelId", f"{call_id};2"),
        ("Context", plan.call_context),
        ("Exten", plan.call_exten),
        ("Priority", "1"),
        ("Timeout", "3000"),
        ("Async", "true"),
        ami_values.variable("BRIDGE_SOURCES", somebody),
        ami_values.variable("BRIDGE_SOURCE_WAIT_S", "3"),
        ami_values.variable("BRIDGE_DESTINATION", somebody),
        ami_values.variable("BRIDGE_DESTINATION_WAIT_S", "3"),
    )


async def _press_a_digit(look: AmiLook, call_id: str) -> None:
    if "PlayDTMF" not in look.commands:
        return
    channel = ("Channel", ami_values.uniqueid(call_id))
    await look.ask("PlayDTMF", channel, ("Digit", "1"), ("Duration", "100"), ("Receive", "1"))
    await look.sees(lambda x: _is(x, _DIGIT, call_id))


def _judged(look: AmiLook, call_id: str) -> list[Finding]:
    user = look.settings.username
    of_call = [x for x in look.events if is_of_check(x)]
    seen = {x["Event"] for x in of_call}
    why = "to follow calls"
    if not seen.intersection(_EVENTS):
        return [look.right("read", "call", have=False, why=why)]
    found = [look.right("read", "call", have=True, why=why)]
    found += [
        lacking(
            f"event {name}",
            f"manager.conf: an eventfilter of [{user}] or `disabledevents` keeps it back",
        )
        for name in _EVENTS
        if name not in seen
    ]
    if any(
        _is(x, "OriginateResponse", call_id) and x.get("Response") != "Success" for x in of_call
    ):
        found.append(
            lacking(
                "a call between two Local channels is not answered",
                "load chan_local and app_dial; look into Asterisk's log, and at [bridge-source]",
            )
        )
    elif not any("Timestamp" in x for x in of_call):
        found.append(
            advice(
                "events without a Timestamp: moments are those of their arrival here",
                "manager.conf [general]: timestampevents = yes; then `manager reload`",
            )
        )
    else:
        found.append(ok("a call is answered and hung up"))
    if _TOGETHER in seen:
        found.append(ok(f"event {_TOGETHER}: two calls that become one are seen at once"))
    else:
        found.append(_joins_late(user))
    if "PlayDTMF" in look.commands:
        found.append(_digits(user, heard=_DIGIT in seen))
    return found


def _digits(user: str, *, heard: bool) -> Finding:
    if heard:
        return ok(f"event {_DIGIT}: apps can subscribe to the digits of a call")
    return advice(
        f"event {_DIGIT} is kept back: apps that subscribe to digits get none",
        f"manager.conf [{user}]: add dtmf to `read`, and let it through in an eventfilter; or "
        "leave it, where no app needs digits",
    )


def _joins_late(user: str) -> Finding:
    return advice(
        f"event {_TOGETHER} is kept back: after an INVITE with Replaces, a fetched parked call and "
        "an AMI Bridge two calls stay for up to BRIDGE_RESYNC_INTERVAL_S",
        f"manager.conf: let it through in an eventfilter of [{user}], and take it out of "
        "`disabledevents`; or leave it, where nobody does that",
    )


def _is(headers: Headers, event: str, call_id: str) -> bool:
    """Of the first channel where one event of several is meant."""
    if headers["Event"] != event or not is_of_check(headers):
        return False
    return event != "Hangup" or headers.get("Uniqueid") == call_id
