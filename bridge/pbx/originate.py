"""One OriginateOrder → one Originate action, as asterisk-conf/extensions.conf expects it."""

from __future__ import annotations

from bridge.calls.pbx import OriginateOrder, TransferScope
from bridge.pbx import ami_values as values
from bridge.pbx.ami_values import AmiAction
from bridge.pbx.pbx_settings import AmiSettings, Dialplan

ACTION_ID_PREFIX = "call-"
FORK_MARGIN_MS = 2000
"""The Dial of a fork ends by its own time limit first, so that phones see the right reason."""


def originate_action(order: OriginateOrder, settings: AmiSettings, dialplan: Dialplan) -> AmiAction:
    """The action that places this call. Raises InvalidPbxValue.

    `ChannelId` makes our id the Uniqueid and the Linkedid of the whole call; a second call with a
    living id is refused by the PBX. The action is asynchronous, else the AMI session blocks until
    the source picks up and delivers no events meanwhile.
    """
    call_id = values.call_id(order.call_id)
    wait_s = values.seconds(order.wait_s, "wait_s")
    headers: list[tuple[str, str]] = []
    if len(order.sources) == 1:
        headers.append(("Channel", values.dial_string(order.sources[0], "sources")))
        headers.append(("Timeout", str(wait_s * 1000)))
    else:
        sources = values.joined_dial_strings(order.sources, "sources")
        # /n keeps the Local pair: optimised away, it would take the call's id and limits along.
        local = f"Local/{dialplan.source_exten}@{dialplan.source_context}/n"
        headers.append(("Channel", local))
        headers.append(("OtherChannelId", f"{call_id};2"))
        headers.append(("Timeout", str(wait_s * 1000 + FORK_MARGIN_MS)))
        headers.append(values.variable("BRIDGE_SOURCES", sources))
        headers.append(values.variable("BRIDGE_SOURCE_WAIT_S", str(wait_s)))
    headers += [
        ("ChannelId", call_id),
        ("Async", "true"),
        ("Context", dialplan.call_context),
        ("Exten", dialplan.call_exten),
        ("Priority", "1"),
        ("CallerID", values.caller_id(order.caller_id, "caller_id")),
        ("Account", values.account(order.account)),
        ("Codecs", _codecs(order, settings)),
    ]
    headers += _destination_variables(order, dialplan)
    return AmiAction("Originate", tuple(headers), action_id=ACTION_ID_PREFIX + call_id)


def _codecs(order: OriginateOrder, settings: AmiSettings) -> str:
    if order.video and settings.video_codecs:
        return f"{settings.audio_codecs},{settings.video_codecs}"
    return settings.audio_codecs


def _destination_variables(order: OriginateOrder, dialplan: Dialplan) -> list[tuple[str, str]]:
    destination = values.joined_dial_strings(order.destinations, "destinations")
    wait_s = values.seconds(order.destination_wait_s, "destination_wait_s")
    duration_s = values.seconds(order.duration_s, "duration_s")
    shown = order.destination_caller_id
    name = values.display_name(shown.name, "destination_caller_id")
    number = values.caller_number(shown.number, "destination_caller_id")
    transfer_context = {
        TransferScope.LOCAL: dialplan.transfer_local_context,
        TransferScope.ANY: dialplan.transfer_any_context,
    }[order.transfer_scope]
    return [
        values.variable("BRIDGE_DESTINATION", destination),
        values.variable("BRIDGE_DESTINATION_WAIT_S", str(wait_s)),
        values.variable("BRIDGE_DIAL_OPTIONS", f"S({duration_s})"),
        values.variable("BRIDGE_DESTINATION_CALLER_NAME", name),
        values.variable("BRIDGE_DESTINATION_CALLER_NUMBER", number),
        values.variable("__TRANSFER_CONTEXT", transfer_context),
    ]
