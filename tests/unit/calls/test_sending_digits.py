"""SendDTMF: digits go to one party in order, and who hears one is told; what happens if it goes."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bridge.calls.pbx import PbxRefused
from bridge.calls.state import pbx_events as ev
from bridge.calls.state.effects import DigitPressed
from bridge.calls.state.phone_call import CallChannel, LegPhase, PhoneCall
from bridge.calls.state.transition import apply
from bridge.calls.steering.errors import ActionFailed
from bridge.calls.steering.sending_digits import Digits, DigitSender
from bridge.calls.timeline.entry import EntryType
from bridge.calls.timeline.timelines import Timelines
from bridge.pbx.ami.event_decode import decode_event
from tests.lab.instant_time import instant

from .example_parties import PARTIES
from .fakes import CALL_ID, Exchange, accepted

BOB = "1.2"


def talk(phase: LegPhase = LegPhase.UP) -> PhoneCall:
    """211, the party of view 01, talks on the channel 1.2."""
    call = accepted()
    leg = replace(call.legs[1], uniqueid=BOB, phase=phase)
    channel = CallChannel(BOB, "PJSIP/0003*211", ev.ChannelState.UP, 1)
    return replace(call, legs=(call.legs[0], leg), channels={BOB: channel})


class FakeDigits:
    """`gone_after`: the party leaves the call with that digit; `refuses` is refused."""

    def __init__(self, exchange: Exchange) -> None:
        self.sent: list[tuple[str, str, int, bool]] = []
        self.gone_after = self.refuses = ""
        self._exchange = exchange

    async def play_digit(
        self, uniqueid: str, digit: str, duration_ms: int, *, pressed: bool
    ) -> None:
        if digit == self.refuses:
            raise PbxRefused("PlayDTMF: Channel not found")
        self.sent.append((uniqueid, digit, duration_ms, pressed))
        if digit == self.gone_after:
            self._exchange.switchboard.calls.drop(CALL_ID)


def sender(call: PhoneCall) -> tuple[DigitSender, FakeDigits]:
    exchange = Exchange()
    exchange.switchboard.calls.add(call)
    pbx = FakeDigits(exchange)
    return DigitSender(exchange.switchboard, pbx), pbx


@instant
async def test_two_orders_for_one_party_come_one_after_the_other() -> None:
    digits, pbx = sender(talk())
    orders = (Digits("1w2", 100, False), Digits("#", 200, True))
    await asyncio.gather(*(digits.send(CALL_ID, "01", x) for x in orders))
    assert pbx.sent == [(BOB, "1", 100, False), (BOB, "2", 100, False), (BOB, "#", 200, True)]


@instant
async def test_given_a_party_that_goes_then_the_answer_says_how_many_digits_it_got() -> None:
    for text, why in (("1234", "after 2 of the digits"), ("12", "has ended with the digits")):
        digits, pbx = sender(talk())
        pbx.gone_after = "2"
        with pytest.raises(ActionFailed, match=why):
            await digits.send(CALL_ID, "01", Digits(text, 100, False))
        assert [x[1] for x in pbx.sent] == ["1", "2"]
    digits, pbx = sender(talk())
    pbx.refuses = "3"
    with pytest.raises(ActionFailed, match="Channel not found, after 2 of the digits"):
        await digits.send(CALL_ID, "01", Digits("1234", 100, False))


@instant
async def test_given_digits_then_the_timeline_has_their_number_and_not_the_digits() -> None:
    exchange = Exchange()
    exchange.switchboard.timelines = Timelines(10)
    exchange.switchboard.calls.add(talk())
    exchange.switchboard.timelines.accepted(talk())
    pbx = FakeDigits(exchange)
    pbx.refuses = "3"
    digits = DigitSender(exchange.switchboard, pbx)
    await digits.send(CALL_ID, "01", Digits("1w2", 100, False))
    with pytest.raises(ActionFailed):
        await digits.send(CALL_ID, "01", Digits("13", 100, False))
    timeline = exchange.switchboard.timelines.of(CALL_ID)
    assert timeline is not None
    told = [x.facts for x in timeline.entries if x.type is EntryType.DIGITS_SENT]
    assert told == [{"view": "01", "count": 2}, {"view": "01", "count": 1}]


@pytest.mark.parametrize("phase", [LegPhase.RINGING, LegPhase.GONE])
async def test_given_a_party_that_does_not_talk_then_nothing_is_sent(phase: LegPhase) -> None:
    digits, pbx = sender(talk(phase))
    with pytest.raises(ActionFailed):
        await digits.send(CALL_ID, "01", Digits("1", 100, False))
    assert pbx.sent == []


def test_a_digit_is_of_the_party_that_pressed_it_and_sent_ones_are_none() -> None:
    headers = {"Event": "DTMFEnd", "Uniqueid": BOB, "Linkedid": CALL_ID, "Digit": "5"}
    heard = decode_event({**headers, "Direction": "Received"}, 7)
    assert isinstance(heard, ev.DigitHeard)
    call, effects = apply(talk(), heard, PARTIES)
    assert effects == [DigitPressed(7, call.legs[1], "5")]
    of_half = replace(heard, uniqueid="1.9")  # half a Local channel hears the same digit
    assert apply(talk(), of_half, PARTIES)[1] == []
    assert decode_event({**headers, "Direction": "Sent"}, 7) is None
    assert decode_event({**headers, "Direction": "Received", "Digit": "f"}, 7) is None
