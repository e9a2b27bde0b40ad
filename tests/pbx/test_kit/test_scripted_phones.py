"""Each rare behaviour of a scripted phone, as the service and the other side meet it."""

from __future__ import annotations

import pytest

from bridge.testing.eventually import eventually
from bridge.testing.kit import (
    EventReceiver,
    MakePhone,
    MakeScripted,
    ObservedApi,
    ScriptedPhone,
    answers_after_cancel,
    forwards,
    hangs_up_at_the_same_time,
    never_acknowledges,
    progress_then_refuses,
    session_timers,
    waits,
    with_headers,
)

A, B = "0003*210", "0003*211"


def received(phone: ScriptedPhone, start: str) -> list[str]:
    return [x.raw for x in phone.messages if not x.sent and x.start_line.startswith(start)]


def sent(phone: ScriptedPhone, start: str) -> list[str]:
    return [x.raw for x in phone.messages if x.sent and x.start_line.startswith(start)]


async def test_given_183_and_then_486_then_the_call_rings_and_is_busy(
    uapi_api: ObservedApi, uapi_phone: MakePhone, uapi_scripted: MakeScripted
) -> None:
    await uapi_phone(A, answer="auto")
    b = await uapi_scripted(B, progress_then_refuses(486, after_s=0.3))

    call = await uapi_api.place(A, B)
    await call.has_ended("busy", hangup_cause=17)
    assert [x.status for x in b.messages if x.sent and x.method == "INVITE"] == [183, 486]


async def test_given_302_then_the_phone_counts_as_busy(
    uapi_api: ObservedApi, uapi_phone: MakePhone, uapi_scripted: MakeScripted
) -> None:
    await uapi_phone(A, answer="auto")
    await uapi_scripted(B, forwards("sip:0003*212@127.0.0.1"))

    await (await uapi_api.place(A, B)).has_ended("busy")


async def test_given_a_200_after_the_cancel_then_the_phone_is_hung_up(
    uapi_api: ObservedApi, uapi_phone: MakePhone, uapi_scripted: MakeScripted
) -> None:
    await uapi_phone(A, answer="auto")
    b = await uapi_scripted(B, answers_after_cancel())
    call = await uapi_api.place(A, B)
    await call.is_ringing_at(B)

    await call.hang_up()
    record = await call.has_ended(ended_by="api")
    assert record.answered is None
    await eventually(lambda: received(b, "BYE "), 15)


async def test_given_no_ack_then_the_200_comes_again(uapi_scripted: MakeScripted) -> None:
    a = await uapi_scripted(A, never_acknowledges())

    call = await a.dial("00")
    await eventually(lambda: len(received(a, "SIP/2.0 200")) >= 3, 15)  # one is for REGISTER
    assert call.answered.is_set()
    assert len(sent(a, "ACK ")) == 1  # of the challenge before
    await call.hang_up()


async def test_given_two_byes_that_cross_then_the_call_ends_once(
    uapi_api: ObservedApi, uapi_phone: MakePhone, uapi_scripted: MakeScripted
) -> None:
    await uapi_phone(A, answer="auto")
    b = await uapi_scripted(B, hangs_up_at_the_same_time())
    call = await uapi_api.place(A, B)
    await call.is_between(A, B)

    await call.hang_up()
    await call.has_ended("answered", ended_by="api")
    await eventually(lambda: sent(b, "BYE ") and received(b, "BYE "), 15)


async def test_given_a_reinvite_and_digits_by_info_then_both_reach_the_other_side(
    uapi_api: ObservedApi, uapi_scripted: MakeScripted, uapi_events: EventReceiver
) -> None:
    a = await uapi_scripted(A, waits())
    events = await uapi_events(A, "100")
    call = await a.dial("0003*400")
    await call.answered.wait()
    followed = await uapi_api.only_call("210")

    await call.hold()
    await followed.is_on_hold_at(A)
    await call.hold(resumed=True)
    assert await a.press_by_info("7", call) == 200
    digit = await events.include("digit")
    assert digit.raw["parameters"]["Digit"] == "7"
    await call.hang_up()


async def test_given_headers_of_a_script_then_the_pbx_gets_them_and_its_own_come(
    uapi_api: ObservedApi, uapi_phone: MakePhone, uapi_scripted: MakeScripted
) -> None:
    await uapi_phone(A, answer="auto")
    b = await uapi_scripted(B, with_headers({"X-Desk": "17"}))
    call = await uapi_api.place(A, B)
    await call.is_between(A, B)

    assert all("X-Desk: 17\n" in x for x in sent(b, "SIP/2.0 "))
    [invite] = received(b, "INVITE ")
    assert f"X-Phone-Call-Id: {call.id}" in invite


async def test_given_session_timers_then_the_pbx_agrees_to_refresh(
    uapi_scripted: MakeScripted,
) -> None:
    a = await uapi_scripted(A, session_timers(90))
    call = await a.dial("00")
    await call.answered.wait()

    [answer] = [x for x in received(a, "SIP/2.0 200") if " INVITE\n" in x]
    assert "Session-Expires: 90;refresher=uas" in answer
    await call.hang_up()


async def test_given_a_phone_that_vanishes_then_it_says_nothing_more(
    uapi_api: ObservedApi, uapi_phone: MakePhone, uapi_scripted: MakeScripted
) -> None:
    a = await uapi_phone(A, answer="auto")
    b = await uapi_scripted(B, waits())
    call = await uapi_api.place(A, B)
    await (await b.ringing()).accept()
    await call.is_between(A, B)
    said = len(b.messages)

    await b.vanish()
    await call.is_talking_at(B)
    await a.hangup()
    await call.has_ended("answered")
    assert len(b.messages) == said


@pytest.mark.parametrize("transport", ["tcp", "tls", "ws"])
async def test_given_another_transport_then_the_phone_is_called_and_talks(
    uapi_api: ObservedApi, uapi_phone: MakePhone, transport: str
) -> None:
    a = await uapi_phone(A, answer="auto", transport=transport, tone_hz=700)  # type: ignore[arg-type]
    b = await uapi_phone(B, answer="auto", tone_hz=900)
    call = await uapi_api.place(A, B)

    await call.is_between(A, B)
    await b.hears(700)
    await a.hears(900)
    await call.hang_up()
    await call.has_ended("answered")
