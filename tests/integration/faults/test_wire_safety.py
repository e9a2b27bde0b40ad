"""Whatever is in an order: it is refused, or it is exactly one well-formed action on the wire."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.calls.pbx import InvalidPbxValue, OriginateOrder, TransferScope
from bridge.directory.caller_ids import CallerId
from bridge.pbx.ami.link import AmiLink
from bridge.pbx.ami.originate import originate_action
from bridge.pbx.pbx_settings import AmiSettings, Dialplan
from tests.scripted_ami.orders import CALL_ID, order, quick_settings
from tests.scripted_ami.recording_listener import RecordingListener
from tests.scripted_ami.server import ScriptedAmi, parse_action

from .conftest import StartLink

DANGEROUS = st.sampled_from(
    [
        "\r\n",
        "\n",
        "\r",
        "\0",
        ",",
        '"',
        "\\",
        "&",
        "/",
        ";",
        "|",
        "Action: Command",
        "\u2028",
        "\ud800",
    ]
)
WORD = st.text(alphabet="abcJánčž0123456789*", max_size=6)
ANY_TEXT = st.one_of(
    # Harmless but for one thing, else the first of many wrong ones hides all others.
    st.tuples(WORD, DANGEROUS, WORD).map("".join),
    st.text(max_size=40),
    st.lists(st.one_of(st.text(max_size=8), DANGEROUS), max_size=6).map("".join),
    st.integers(200, 2000).map(lambda n: "é" * n),
)
DIAL_STRING = st.one_of(
    ANY_TEXT,
    ANY_TEXT.map(lambda one: f"PJSIP/{one}"),
    ANY_TEXT.map(lambda one: f"Local/{one}"),
    st.sampled_from(("PJSIP/0003*210", "Local/0003*00@services")),
)
CALLER = st.builds(CallerId, ANY_TEXT, st.one_of(ANY_TEXT, st.just("0003*210")))
ORDERS = st.builds(
    OriginateOrder,
    call_id=st.one_of(st.just(CALL_ID), ANY_TEXT),
    sources=st.lists(DIAL_STRING, max_size=3).map(tuple),
    destinations=st.lists(DIAL_STRING, max_size=3).map(tuple),
    caller_id=CALLER,
    destination_caller_id=CALLER,
    wait_s=st.integers(-1, 10**9),
    destination_wait_s=st.integers(0, 120),
    duration_s=st.integers(0, 7200),
    account=st.one_of(ANY_TEXT, st.just("0003*210")),
    video=st.booleans(),
    transfer_scope=st.sampled_from(TransferScope),
)
FIELDS = (
    "call_id",
    "sources",
    "destinations",
    "caller_id",
    "destination_caller_id",
    "account",
)
HEADERS = {
    "Action",
    "ActionID",
    "Channel",
    "OtherChannelId",
    "Timeout",
    "ChannelId",
    "Async",
    "Context",
    "Exten",
    "Priority",
    "CallerID",
    "Account",
    "Codecs",
    "Variable",
}
SETTINGS = AmiSettings("127.0.0.1", 1, "bridge", "s3cret")


def check_one_action(raw: bytes, sent: OriginateOrder) -> None:
    """`raw` is the text between two empty lines, read as leniently as Asterisk does."""
    assert b"\0" not in raw
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert all(len(line) + 2 <= 1024 for line in raw.split(b"\r\n"))
    action = parse_action(raw)
    names = [name for name, _ in action.headers]
    assert set(names) <= HEADERS
    assert sorted(name for name in names if name != "Variable") == sorted(
        {name for name in names if name != "Variable"}
    )
    assert action.name == "Originate"
    assert action.value("ChannelId") == sent.call_id
    assert not action.value("Channel").startswith("/")
    assert "&" not in action.value("Channel")
    variables = dict(one.split("=", 1) for one in action.values("Variable"))
    assert len(variables) == len(action.values("Variable"))
    assert not any("," in value or '"' in value for value in variables.values())
    assert variables["BRIDGE_DESTINATION"].split("&") == list(sent.destinations)
    assert unquote(variables["BRIDGE_DESTINATION_CALLER_NAME"]) == sent.destination_caller_id.name
    if sent.sources[0].startswith("Local/") and len(sent.sources) == 1:
        assert action.value("Channel") == sent.sources[0]
    else:
        # Nothing that came from outside is dialled by Originate, which follows forwards.
        assert action.value("Channel") == "Local/ring@bridge-source/n"
        assert action.value("OtherChannelId") == f"{sent.call_id};2"
        assert variables["BRIDGE_SOURCES"].split("&") == list(sent.sources)


@settings(max_examples=1000, deadline=None)
@given(st.data())
def test_one_bad_field_at_a_time_or_all(data: st.DataObject) -> None:
    wild = data.draw(ORDERS)
    field = data.draw(st.sampled_from((*FIELDS, "all")))
    sent = wild if field == "all" else replace(order(), **{field: getattr(wild, field)})
    try:
        action = originate_action(sent, SETTINGS, Dialplan())
    except InvalidPbxValue:
        return
    check_one_action(action.wire(action.action_id).removesuffix(b"\r\n\r\n"), sent)


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    name=st.one_of(ANY_TEXT, st.text(alphabet="Jánčž, \r\n\"'<>():;", max_size=30)),
    source=DIAL_STRING,
)
def test_what_arrives_at_the_pbx(name: str, source: str) -> None:
    """The same through the whole link, read from the socket."""
    import asyncio

    async def through_the_link() -> None:
        sent = order(
            caller_id=CallerId(name, "0003*211"),
            destination_caller_id=CallerId(name, "0003*211"),
            sources=(source,),
        )
        listener = RecordingListener()
        async with ScriptedAmi() as ami:
            link = AmiLink(quick_settings(ami))
            link.listen(listener)
            await link.start()
            await listener.until(lambda: link.link.up)
            try:
                await link.originate(sent)
            except InvalidPbxValue:
                assert ami.actions("Originate") == []
            else:
                [action] = ami.actions("Originate")
                check_one_action(action.raw, sent)
            await link.stop()
            known = {"Login", "Ping", "CoreShowChannels", "Originate", "Logoff"}
            assert {action.name for action in ami.received} <= known

    asyncio.run(through_the_link())


@pytest.mark.parametrize(
    "uniqueid", ["/PJSIP/", "/.*/", "a\r\nAction: Command", "", "a,b", "x y", "x" * 200, "\n"]
)
async def test_a_dangerous_channel_is_never_hung_up(
    ami: ScriptedAmi, start_link: StartLink, uniqueid: str
) -> None:
    link = await start_link()
    with pytest.raises(InvalidPbxValue):
        await link.hang_up(uniqueid)
    assert ami.actions("Hangup") == []
