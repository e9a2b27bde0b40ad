"""The Originate that asterisk-conf/pbx/extensions.conf expects."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote

import pytest

from bridge.calls.pbx import InvalidPbxValue, OriginateOrder, TransferScope
from bridge.directory.caller_ids import CallerId
from bridge.pbx.ami.originate import originate_action
from bridge.pbx.pbx_settings import AmiSettings, Dialplan

SETTINGS = AmiSettings("127.0.0.1", 5038, "bridge", "s3cret")
ORDER = OriginateOrder(
    call_id="0123456789abcdef0123",
    sources=("PJSIP/0003*210",),
    destinations=("PJSIP/0003*211", "PJSIP/3235742879@trunk"),
    caller_id=CallerId("Ján", "0003*211"),
    destination_caller_id=CallerId("Zoë", "0003*210"),
    wait_s=25,
    destination_wait_s=60,
    duration_s=3600,
    account="0003*214",
    video=False,
    transfer_scope=TransferScope.LOCAL,
)


def headers_on_the_wire(order: OriginateOrder) -> dict[str, str | list[str]]:
    """By name, without the ActionID; of one that occurs more than once a list."""
    action = originate_action(order, SETTINGS, Dialplan())
    found: dict[str, list[str]] = {}
    for line in action.wire("an-id").decode().removesuffix("\r\n\r\n").split("\r\n"):
        name, _, value = line.partition(": ")
        found.setdefault(name, []).append(value)
    assert found.pop("ActionID") == ["an-id"]
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()}


def test_one_source_rings_in_the_dialplan_which_ignores_its_forwards() -> None:
    assert headers_on_the_wire(ORDER) == {
        "Action": "Originate",
        "Channel": "Local/ring@bridge-source/n",
        "Timeout": "27000",
        "ChannelId": "0123456789abcdef0123",
        "OtherChannelId": "0123456789abcdef0123;2",
        "Async": "true",
        "Context": "bridge-call",
        "Exten": "dial",
        "Priority": "1",
        "CallerID": '"Ján" <0003*211>',
        "Account": "0003*214",
        "Codecs": "ulaw,alaw",
        "Variable": [
            "BRIDGE_SOURCES=PJSIP/0003*210",
            "BRIDGE_SOURCE_WAIT_S=25",
            "BRIDGE_DESTINATION=PJSIP/0003*211&PJSIP/3235742879@trunk",
            "BRIDGE_DESTINATION_WAIT_S=60",
            "BRIDGE_DIAL_OPTIONS=S(3600)",
            "BRIDGE_DESTINATION_CALLER_NAME=Zoë",
            "BRIDGE_DESTINATION_CALLER_NUMBER=0003*210",
            "__TRANSFER_CONTEXT=transfer-local",
        ],
    }


def test_known_phones_are_told_to_the_dialplan() -> None:
    told = {"BRIDGE_SOURCE_PHONES=1", "BRIDGE_DESTINATION_PHONES=1"}
    known = replace(ORDER, phones_of_source=True, phones_of_destination=True)
    assert told <= set(headers_on_the_wire(known)["Variable"])
    assert not told & set(headers_on_the_wire(ORDER)["Variable"])


def test_a_number_of_the_dialplan_is_dialled_directly() -> None:
    headers = headers_on_the_wire(replace(ORDER, sources=("Local/0003*300@services/n",)))
    assert headers["Channel"] == "Local/0003*300@services/n"
    assert headers["Timeout"] == "25000"


def test_a_destination_with_forwards_is_rung_by_their_dialplan() -> None:
    order = replace(ORDER, destinations=("PJSIP/0003*211",), forwarding_phone="0003*211")
    headers = headers_on_the_wire(order)
    assert headers["Exten"] == "phone"
    assert "BRIDGE_DESTINATION_PHONE=0003*211" in headers["Variable"]
    assert "BRIDGE_LOCAL_ONLY=1" in headers["Variable"]
    anywhere = headers_on_the_wire(replace(order, transfer_scope=TransferScope.ANY))
    assert "BRIDGE_LOCAL_ONLY=1" not in anywhere["Variable"]


def test_several_sources_ring_in_the_dialplan() -> None:
    fork = replace(ORDER, sources=("PJSIP/0003*210", "PJSIP/0003*212"))
    headers = headers_on_the_wire(fork)
    assert headers["Channel"] == "Local/ring@bridge-source/n"
    assert headers["ChannelId"] == "0123456789abcdef0123"
    assert headers["OtherChannelId"] == "0123456789abcdef0123;2"
    assert headers["Timeout"] == "27000"
    assert "BRIDGE_SOURCES=PJSIP/0003*210&PJSIP/0003*212" in headers["Variable"]
    assert "BRIDGE_SOURCE_WAIT_S=25" in headers["Variable"]


def test_video_and_transfer_to_public_numbers() -> None:
    order = replace(ORDER, video=True, transfer_scope=TransferScope.ANY)
    headers = headers_on_the_wire(order)
    assert headers["Codecs"] == "ulaw,alaw,h264,vp8"
    assert "__TRANSFER_CONTEXT=transfer-any" in headers["Variable"]


def test_transfer_to_one_public_number() -> None:
    headers = headers_on_the_wire(replace(ORDER, transfer_scope=TransferScope.ONE_PUBLIC))
    assert headers["Variable"][-2:] == [
        "__TRANSFER_CONTEXT=transfer-any",
        "__BRIDGE_ONE_PUBLIC=1",
    ]


def test_a_name_is_one_variable_whatever_is_in_it() -> None:
    shown = CallerId("Novák, Ján;X=1+${A}$[1]%2C", "1")
    action = originate_action(replace(ORDER, destination_caller_id=shown), SETTINGS, Dialplan())
    [value] = [v for _, v in action.headers if v.startswith("BRIDGE_DESTINATION_CALLER_NAME=")]
    assert not set(value.partition("=")[2]) & set(",;=${}[]+")
    assert unquote(value.partition("=")[2]) == shown.name


@pytest.mark.parametrize(
    "change",
    [
        {"sources": ()},
        {"destinations": ()},
        {"wait_s": 0},
        {"duration_s": 0},
        {"destination_caller_id": CallerId('Novák "Ján"', "1")},
        {"sources": ("PJSIP/0003*210,1",)},
        {"destinations": tuple(f"PJSIP/0003*{n:03}" for n in range(100))},
        {"account": "a b"},
    ],
)
def test_refused_orders(change: dict[str, object]) -> None:
    with pytest.raises(InvalidPbxValue):
        originate_action(replace(ORDER, **change), SETTINGS, Dialplan())  # type: ignore[arg-type]
