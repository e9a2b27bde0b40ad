"""Numbers of the public network whose behaviour a test sets, without a reload."""

from __future__ import annotations

from bridge.testing.kit import MakePhone, MakePublicNumber, NumberBehaviour, ObservedApi

A = "0003*210"


async def test_given_a_number_that_answers_then_both_hear_each_other_and_digits_come(
    uapi_api: ObservedApi, uapi_phone: MakePhone, uapi_public_number: MakePublicNumber
) -> None:
    a = await uapi_phone(A, answer="auto", tone_hz=440)
    number = await uapi_public_number(after_s=0.3, tone_hz=900)
    call = await uapi_api.place(A, number.number)

    assert await number.is_called() == "5550003210"
    await call.is_between(A, number.number)
    await a.hears(900)
    await number.hears(440)
    await a.send_dtmf("42#")
    await number.gets_digits("42#")
    await number.hang_up()
    await call.has_ended("answered", ended_by="destination")


async def test_given_another_behaviour_in_the_same_test_then_the_next_call_meets_it(
    uapi_api: ObservedApi, uapi_phone: MakePhone, uapi_public_number: MakePublicNumber
) -> None:
    a = await uapi_phone(A, answer="auto")
    number = await uapi_public_number(status=503)
    refused = await (await uapi_api.place(A, number.number)).has_ended("failed")
    assert refused.raw["sipCode"] == 503

    await number.behave(NumberBehaviour(status=486, after_s=0.2))
    await (await uapi_api.place(A, number.number)).has_ended("busy", hangup_cause=17)

    await number.behave(NumberBehaviour(status=None, early_media=True))
    call = await uapi_api.place(A, number.number)
    await a.hears(1000)
    assert (await call.state()).answered is None
    await call.hang_up()
    await call.has_ended("no answer", ended_by="api")


async def test_given_a_bad_line_then_packets_are_lost_or_go_one_way(
    uapi_api: ObservedApi, uapi_phone: MakePhone, uapi_public_number: MakePublicNumber
) -> None:
    a = await uapi_phone(A, answer="auto", tone_hz=440)
    number = await uapi_public_number(loss=0.2, tone_hz=900)
    call = await uapi_api.place(A, number.number)
    await a.hears(900)
    assert 0.05 < number.peer.lost / (number.peer.lost + number.peer.sent) < 0.5

    await number.behave(NumberBehaviour(sends_audio=False))
    sent = number.peer.sent
    await number.hears(440)
    assert number.peer.sent == sent
    await call.hang_up()
