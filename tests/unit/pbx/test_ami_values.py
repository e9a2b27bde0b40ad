"""What the writer of AMI values takes and what it refuses."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bridge.calls.pbx import InvalidPbxValue
from bridge.directory.caller_ids import CallerId
from bridge.pbx.ami import values as ami_values
from bridge.pbx.ami.values import MAX_LINE_BYTES, AmiAction


@pytest.mark.parametrize(
    "value", ["PJSIP/0003*210", "PJSIP/3235742879@trunk", "Local/0003*00@services/n", "SIP/+4021#1"]
)
def test_dial_strings(value: str) -> None:
    assert ami_values.dial_string(value, "sources") == value


@pytest.mark.parametrize(
    "value",
    [
        "",
        "/PJSIP/210/",
        "PJSIP/",
        "210",
        "PJSIP/210&PJSIP/211",
        "PJSIP/210,60",
        "PJSIP/2 10",
        "PJSIP/210\n",
        "PJSIP/210\r\nAction: Logoff",
        "PJSIP/${EXTEN}",
        "PJSIP/žluť",
        "PJSIP/" + "1" * 250,
    ],
)
def test_refused_dial_strings(value: str) -> None:
    with pytest.raises(InvalidPbxValue, match="sources"):
        ami_values.dial_string(value, "sources")


def test_whose_state_counts_for_a_queue() -> None:
    for value in ("PJSIP/0003*210", "hint:0003*215@queue-agents"):
        assert ami_values.queue_state(value, "agent") == value
    for value in ("hint:", "hint:215", "hint:2 15@a", "hint:215@a\r\nAction: Logoff", "hint:1@a,b"):
        with pytest.raises(InvalidPbxValue):
            ami_values.queue_state(value, "agent")


def test_caller_ids() -> None:
    assert ami_values.caller_id(CallerId("Ján Žák", "0003*210"), "c") == '"Ján Žák" <0003*210>'
    assert ami_values.caller_id(CallerId("", "+40210001"), "c") == "<+40210001>"
    assert ami_values.caller_id(CallerId("Zoë (Q), 1", ""), "c") == '"Zoë (Q), 1" <>'


@pytest.mark.parametrize(
    "value",
    [
        CallerId('a"b', "1"),
        CallerId("a\\b", "1"),
        CallerId("a\nb", "1"),
        CallerId("a\x85b", "1"),
        CallerId("a\ud800b", "1"),
        CallerId("é" * 125, "12345"),
        CallerId("a", "1 2"),
        CallerId("a", "1>"),
        CallerId("a", "1\n"),
        CallerId("a", "٣"),
    ],
)
def test_refused_caller_ids(value: CallerId) -> None:
    with pytest.raises(InvalidPbxValue):
        ami_values.caller_id(value, "caller_id")


@pytest.mark.parametrize("value", ["0123456789abcdef012", "0123456789ABCDEF0123", "g" * 20, ""])
def test_refused_call_ids(value: str) -> None:
    with pytest.raises(InvalidPbxValue):
        ami_values.call_id(value)


@pytest.mark.parametrize("value", ["1700000000.17", "pbx-1-1700000000.17", "a" * 20 + ";2"])
def test_uniqueids(value: str) -> None:
    assert ami_values.uniqueid(value) == value


def test_a_line_may_have_1024_bytes_with_its_end() -> None:
    name = "X"
    fits = "y" * (MAX_LINE_BYTES - len("X: "))
    AmiAction("Ping", ((name, fits),))
    with pytest.raises(InvalidPbxValue, match="longer"):
        AmiAction("Ping", ((name, fits + "y"),))
    with pytest.raises(InvalidPbxValue, match="longer"):
        AmiAction("Ping", ((name, "é" * 511),))


@pytest.mark.parametrize(
    "header",
    [
        ("Chan nel", "x"),
        ("Channel:", "x"),
        ("", "x"),
        ("Channel", "/PJSIP/"),
        ("Variable", "A=1,B=2"),
        ("Data", "a\rb"),
        ("Data", "a\0b"),
    ],
)
def test_no_action_can_be_built_with_a_dangerous_header(header: tuple[str, str]) -> None:
    with pytest.raises(InvalidPbxValue):
        AmiAction("Anything", (header,))


def test_no_action_has_more_headers_than_asterisk_reads() -> None:
    with pytest.raises(InvalidPbxValue, match="128"):
        AmiAction("Ping", tuple(("Variable", f"A{n}=1") for n in range(127)))


@pytest.mark.parametrize(
    ("name", "value"), [("A B", "1"), ("A=B", "1"), ("A", "1,B=2"), ("A", '"')]
)
def test_refused_variables(name: str, value: str) -> None:
    with pytest.raises(InvalidPbxValue):
        ami_values.variable(name, value)


@pytest.mark.parametrize("value", [0, -1, 10**9, True])
def test_refused_seconds(value: int) -> None:
    with pytest.raises(InvalidPbxValue):
        ami_values.seconds(value, "wait_s")


def test_an_action_does_not_show_its_headers() -> None:
    assert "s3cret" not in repr(AmiAction("Login", (("Secret", "s3cret"),)))


@pytest.mark.parametrize("value", ["../recording/a-1.wav", "/var/spool/x/a-1.raw", "a.wav"])
def test_recording_files(value: str) -> None:
    assert ami_values.recording_file(value) == value


@pytest.mark.parametrize(
    "value",
    [
        "a.wav,d",
        "a.wav,,rm -rf /",
        "../../etc/x.wav",
        "a/../b.wav",
        "a b.wav",
        "${X}.wav",
        "",
        "a\n",
    ],
)
def test_refused_recording_files(value: str) -> None:
    with pytest.raises(InvalidPbxValue, match="recording file"):
        ami_values.recording_file(value)


FIT = [
    (ami_values.dtmf_digit, "D"),
    (ami_values.dtmf_digit, "#"),
    (ami_values.conference_room, "0003*500-1234"),
    (ami_values.conference_channel, "PJSIP/0003*210-00000001"),
    (ami_values.conference_channel, "Local/0003*500-1@rooms-00000001;2"),
    (ami_values.context, "bridge-hold"),
    (ami_values.exten, "0003*210"),
    (ami_values.mixmonitor_id, "0x7f0234003430"),
    (ami_values.queue_name, "0003*400"),
]


@pytest.mark.parametrize(("of", "value"), FIT)
def test_what_fits_is_written_unchanged(of: Callable[[str], str], value: str) -> None:
    assert of(value) == value


@pytest.mark.parametrize("of", dict.fromkeys(of for of, _ in FIT))
@pytest.mark.parametrize(
    "value",
    [
        "",
        "1\r\nAction: Logoff",
        "1\n",
        "${EXTEN}",
        "a,b",
        "a|b",
        "a&b",
        'a"b',
        "a\\b",
        "ž",
        "1" * 256,
    ],
)
def test_what_could_be_more_than_one_value_is_refused(of: Callable[[str], str], value: str) -> None:
    with pytest.raises(InvalidPbxValue):
        of(value)


@pytest.mark.parametrize(
    ("of", "value"),
    [
        (ami_values.dtmf_digit, "11"),
        (ami_values.dtmf_digit, "a"),
        (ami_values.conference_channel, "all"),  # each member
        (ami_values.conference_channel, "participants"),
        (ami_values.context, "-x"),
        (ami_values.exten, "a/b"),
        (ami_values.mixmonitor_id, "7f0234003430"),
        (ami_values.queue_name, "a b"),
    ],
)
def test_what_means_something_else_is_refused(of: Callable[[str], str], value: str) -> None:
    with pytest.raises(InvalidPbxValue):
        of(value)


def test_a_digit_sounds_at_most_a_second() -> None:
    assert [ami_values.dtmf_duration_ms(x) for x in (1, 1000)] == [1, 1000]
    for wrong in (0, -1, 1001):
        with pytest.raises(InvalidPbxValue, match="1 to 1000 ms"):
            ami_values.dtmf_duration_ms(wrong)


def test_a_variable_of_a_channel_is_no_function() -> None:
    assert ami_values.channel_variable("__BRIDGE_PEER", "1.2=3") == ("__BRIDGE_PEER", "1.2=3")
    for name in ("SHELL(id)", "CHANNEL(name)", "a=b", ""):
        with pytest.raises(InvalidPbxValue, match="is not a variable name"):
            ami_values.channel_variable(name, "1")
