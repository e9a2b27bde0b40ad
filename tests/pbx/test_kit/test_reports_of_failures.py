"""Flows that fail on purpose: the report names the cause of each kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.testing.kit import (
    EventReceiver,
    FlowFailure,
    Journal,
    MakePhone,
    MakeScripted,
    ObservedApi,
    refuses,
)
from bridge.testing.report.writing import write_report

A, B = "0003*210", "0003*211"
_TRANSFERS = 5


@pytest.fixture
def causes(uapi_journal: Journal, tmp_path: Path) -> Causes:
    return Causes(uapi_journal, tmp_path)


class Causes:
    """The report of a test that fails now."""

    def __init__(self, journal: Journal, folder: Path) -> None:
        self._journal = journal
        self._folder = folder

    def __call__(self) -> str:
        written = write_report(self._journal.observations(), self._folder, "report")
        return written.text.partition("\n\n")[0]


async def test_given_another_tone_then_the_cause_names_it(
    uapi_api: ObservedApi, uapi_phone: MakePhone, causes: Causes
) -> None:
    a = await uapi_phone(A, answer="auto", tone_hz=440)
    await uapi_phone(B, answer="auto", tone_hz=700)
    call = await uapi_api.place(A, B)
    await a.hears(700)

    with pytest.raises(FlowFailure):
        await a.hears(900, within_s=0.5)
    assert "0003*210 hears 900 Hz: 0003*210 hears it at -" in causes()
    assert "dB, but 700 Hz" in causes()

    with pytest.raises(FlowFailure):
        await call.heard(900, by=B, within_s=0.5)
    assert "dB, but 440 Hz" in causes()


async def test_given_another_code_then_the_cause_names_it_and_the_phone(
    uapi_api: ObservedApi, uapi_phone: MakePhone, uapi_scripted: MakeScripted, causes: Causes
) -> None:
    await uapi_phone(A, answer="auto")
    await uapi_scripted(B, refuses(603, "Decline"))

    with pytest.raises(FlowFailure):
        await (await uapi_api.place(A, B)).has_ended("busy", hangup_cause=17)
    assert "disposition busy, hangup cause 21, ended by destination" in causes()
    assert "0003*211 answered the PBX: 603 Decline" in causes()


async def test_given_a_source_that_never_answers_then_the_cause_names_its_phone(
    uapi_api: ObservedApi, uapi_phone: MakePhone, causes: Causes
) -> None:
    await uapi_phone(A)
    b = await uapi_phone(B)
    await uapi_api.place(A, B)

    with pytest.raises(FlowFailure):
        await b.rings(within_s=1)
    assert "0003*211 rings within 1 s: it has had no call" in causes()
    assert "0003*210: it rings from " in causes()
    assert "0003*211: no INVITE reached it or left it" in causes()


async def test_given_a_webhook_that_does_not_come_then_the_cause_names_those_that_came(
    uapi_api: ObservedApi, uapi_phone: MakePhone, uapi_events: EventReceiver, causes: Causes
) -> None:
    await uapi_phone(A, answer="auto")
    await uapi_phone(B)
    events = await uapi_events(B)
    await uapi_api.place(A, B)
    await events.include("dial-in")

    with pytest.raises(FlowFailure):
        await events.include("hang-up", within_s=0.5)
    assert "0003*211 gets hang-up: dial-in CALLING" in causes()
    assert "0003*211: it rings from " in causes()


async def test_given_a_transfer_to_a_missing_number_then_the_cause_names_both(
    uapi_api: ObservedApi, uapi_phone: MakePhone, causes: Causes
) -> None:
    a = await uapi_phone(A, answer="auto")
    await uapi_phone(B, answer="auto")
    for _ in range(_TRANSFERS):  # at times Asterisk says 200 to the phone, and then hangs up
        call = await uapi_api.place(A, B)
        await call.is_between(A, B)
        await a.transfer("299")
        with pytest.raises(FlowFailure):
            await call.is_between(B, "0003*299")
        if "failed: 503" in (said := causes()):
            break
    assert "the transfer of 0003*210 to 299 failed: 503" in said
    assert "the PBX has no such number: hangup cause 3" in said
