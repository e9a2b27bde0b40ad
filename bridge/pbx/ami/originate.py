"""One OriginateOrder → one Originate action, as asterisk-conf/extensions.conf expects it."""

from __future__ import annotations

from collections.abc import Callable

from bridge.calls.pbx import OriginateOrder, TransferScope
from bridge.pbx.ami import values as values
from bridge.pbx.ami.originate_acting import acting_variables, place_of
from bridge.pbx.ami.transfer_scope import transfer_variables
from bridge.pbx.ami.values import AmiAction
from bridge.pbx.pbx_settings import AmiSettings, Dialplan

ACTION_ID_PREFIX = "call-"
FORK_MARGIN_MS = 2000
"""The Dial of a fork ends by its own time limit first, so that phones see the right reason."""


def originate_action(
    order: OriginateOrder,
    settings: AmiSettings,
    dialplan: Dialplan,
    allowed: Callable[[], bool] | None = None,
) -> AmiAction:
    """The action that places this call; `allowed` as in AmiAction.

    Raises InvalidPbxValue.

    `ChannelId` makes our id the Uniqueid and the Linkedid of the whole call; a second call with a
    living id is refused by the PBX. The action is asynchronous, else the AMI session blocks until
    the source picks up and delivers no events meanwhile (docs/reference/asterisk.md §3).
    """
    call_id = values.call_id(order.call_id)
    wait_s = values.seconds(order.wait_s, "wait_s")
    headers: list[tuple[str, str]] = []
    if _is_dialplan(order.sources):
        headers.append(("Channel", values.dial_string(order.sources[0], "sources")))
        headers.append(("Timeout", str(wait_s * 1000)))
    else:
        sources = values.joined_dial_strings(order.sources, "sources")
        # /n keeps the Local pair: optimised away, it would take the call's id and limits along.
        ring = dialplan.source_all_exten if order.all_devices else dialplan.source_exten
        local = f"Local/{ring}@{dialplan.source_context}/n"
        headers.append(("Channel", local))
        headers.append(("OtherChannelId", f"{call_id};2"))
        headers.append(("Timeout", str(wait_s * 1000 + FORK_MARGIN_MS)))
        headers.append(values.variable("BRIDGE_SOURCES", sources))
        headers.append(values.variable("BRIDGE_SOURCE_WAIT_S", str(wait_s)))
        if order.phones_of_source:
            headers.append(values.variable("BRIDGE_SOURCE_PHONES", "1"))
    headers += [
        ("ChannelId", call_id),
        ("Async", "true"),
        *_place(order, dialplan),
        ("Priority", "1"),
        ("CallerID", values.caller_id(order.caller_id, "caller_id")),
        ("Account", values.account(order.account)),
        ("Codecs", _codecs(order, settings)),
    ]
    if order.acts_on is not None:
        headers += acting_variables(order, order.acts_on, dialplan)
    else:
        headers += _destination_variables(order, dialplan)
    action_id = ACTION_ID_PREFIX + call_id
    return AmiAction("Originate", tuple(headers), action_id=action_id, allowed=allowed)


def _is_dialplan(sources: tuple[str, ...]) -> bool:
    """Whether the one source is a number of the dialplan itself, which forwards nowhere.

    All others are rung by the dialplan, with an option that ignores what a phone answers (302):
    Originate itself would follow it, to any channel of the PBX (docs/decisions/forwards.md).
    """
    return len(sources) == 1 and sources[0].startswith("Local/")


def _place(order: OriginateOrder, dialplan: Dialplan) -> list[tuple[str, str]]:
    context, exten = dialplan.call_context, _exten(order, dialplan)
    if order.acts_on is not None:
        context, exten = place_of(order.acts_on.action, dialplan)
    return [("Context", context), ("Exten", exten)]


def _exten(order: OriginateOrder, dialplan: Dialplan) -> str:
    if order.forwarding_phone:
        return dialplan.forwarding_call_exten
    return dialplan.call_all_exten if order.all_devices else dialplan.call_exten


def _codecs(order: OriginateOrder, settings: AmiSettings) -> str:
    if order.video and settings.video_codecs:
        return f"{settings.audio_codecs},{settings.video_codecs}"
    return settings.audio_codecs


def _destination_variables(order: OriginateOrder, dialplan: Dialplan) -> list[tuple[str, str]]:
    destination = values.joined_dial_strings(order.destinations, "destinations")
    wait_s = values.seconds(order.destination_wait_s, "destination_wait_s")
    duration_s = values.seconds(order.duration_s, "duration_s")
    shown = order.destination_caller_id
    name = values.escaped_name(shown.name, "destination_caller_id")
    number = values.caller_number(shown.number, "destination_caller_id")
    return [
        *_variables_of_phones(order),
        values.variable("BRIDGE_DESTINATION", destination),
        values.variable("BRIDGE_DESTINATION_WAIT_S", str(wait_s)),
        values.variable("BRIDGE_DIAL_OPTIONS", f"S({duration_s})"),
        values.variable("BRIDGE_DESTINATION_CALLER_NAME", name),
        values.variable("BRIDGE_DESTINATION_CALLER_NUMBER", number),
        *transfer_variables(order.transfer_scope, dialplan),
    ]


def _variables_of_phones(order: OriginateOrder) -> list[tuple[str, str]]:
    found = []
    if order.phones_of_destination:
        found.append(values.variable("BRIDGE_DESTINATION_PHONES", "1"))
    if not order.forwarding_phone:
        return found
    phone = values.caller_number(order.forwarding_phone, "forwarding_phone")
    found.append(values.variable("BRIDGE_DESTINATION_PHONE", phone))
    if order.transfer_scope is TransferScope.LOCAL:
        found.append(values.variable("BRIDGE_LOCAL_ONLY", "1"))
    return found
