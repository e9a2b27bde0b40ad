"""Each selector, status, code and form of answer."""

from __future__ import annotations

import asyncio
import time
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.verba_client import VerbaClient

from .audit import Audit
from .recorded_call import finished_call, recorded_call
from .recorded_files import RecordedFiles

pytestmark = pytest.mark.asyncio(loop_scope="session")

_UNKNOWN = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"callID": ""},
        {"status": "last"},
        {"extension": "8856"},
        {"extension": "8856", "status": ""},
        {"extension": "8856", "status": "first"},
        {"extension": "8856", "status": "LAST"},
        {"extension": "8856", "status": "next,ongoing"},
        {"extension": "8856", "status": "ongoing,last"},
        {"extension": "8856", "status": "last,next"},
        {"extension": "8856", "status": "ongoing,"},
        {"extension": "8856", "status": "ongoing;next"},
        {"extension": "8856", "callID": _UNKNOWN, "status": "last"},
        {"callID": _UNKNOWN, "responseType": "JSON"},
        {"callID": "a\x00b"},
        {"callID": _UNKNOWN, "ccdr_id": _UNKNOWN[:-1] + "1"},
        {"ccdr_id": _UNKNOWN, "cid": _UNKNOWN[:-1] + "1"},
    ],
)
async def test_given_a_wrong_selector_when_asked_then_the_parameters_are_invalid(
    verba: VerbaClient, parameters: dict[str, str]
) -> None:
    for answer in (
        await verba.ask("DeleteCall", **parameters),
        await verba.post("DeleteCall", **parameters),
    ):
        assert (answer.status, answer.code) == (200, -20)
        assert answer.message


@pytest.mark.parametrize("status", ["ongoing", "last", "last, ongoing", "last,ongoing"])
async def test_given_no_call_of_the_extension_then_found_nothing_after_two_tries(
    verba: VerbaClient, status: str
) -> None:
    began = time.monotonic()

    answer = await verba.ask("DeleteCall", extension="3123212312", status=status)

    assert time.monotonic() - began >= 1
    words = status.replace(" ", "")
    assert answer.status == 200
    assert answer.body.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n\n<VerbaApi>\n\n'
        '<Response code="-50" type="DeleteCall">\n\n'
        f"<ErrorMessage>Call for extension 3123212312 with status {words} not found after 2 tries,"
        " with sleep time 1000.</ErrorMessage>\n\n</Response>\n\n</VerbaApi>"
    )


@pytest.mark.parametrize("selector", ["callID", "platformCallID", "nativeID", "meetingID"])
async def test_given_an_unknown_id_then_not_found(verba: VerbaClient, selector: str) -> None:
    answer = await verba.ask("DeleteCall", **{selector: "<x>&'\"\x0b."})

    assert (answer.status, answer.code) == (200, -50)
    assert answer.message == (
        f"Call with {selector} <x>&'\"\ufffd. not found after 2 tries, with sleep time 1000."
    )


async def test_given_a_hostile_extension_then_each_form_escapes_it(verba: VerbaClient) -> None:
    hostile = "<script>alert(1)</script>\r\nDeleteCall: 0"
    html, text = [
        await verba.ask("DeleteCall", extension=hostile, status="last", responseType=form)
        for form in ("HTML", "TEXT")
    ]

    assert "<script" not in html.text
    assert html.headers["Content-Type"] == "text/html; charset=utf-8"
    assert text.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert text.headers["X-Content-Type-Options"] == "nosniff"
    first, second = text.text.splitlines()
    assert first == "DeleteCall: -50"
    assert second.startswith("ErrorMessage: Call for extension <script>")


async def test_given_html_then_a_person_can_read_it(verba: VerbaClient) -> None:
    class Words(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.words: list[str] = []

        def handle_data(self, data: str) -> None:
            self.words.append(data.strip())

    answer = await verba.ask("GetCallInformation", callID=_UNKNOWN, responseType="HTML")

    page = Words()
    page.feed(answer.text)
    assert "GetCallInformation: error (-50)" in page.words
    assert "ErrorMessage" in page.words


@pytest.mark.parametrize(
    ("key", "action", "code"),
    [
        ("", "DeleteCall", -41),
        ("x", "DeleteCall", -41),
        ("", "Nothing", -41),
        (None, "No<", -30),
        (None, "", -20),
    ],
)
async def test_given_a_wrong_key_or_action_then_its_code(
    verba: VerbaClient, key: str | None, action: str, code: int
) -> None:
    parameters = {} if key is None else {"apiKey": key}

    answer = await verba.ask(action, **parameters)

    assert (answer.status, answer.code) == (200, code)
    assert answer.response.attrib["type"] == action


@pytest.mark.parametrize(
    "selector", ["callID", "two names", "platformCallID", "nativeID", "+", "last,ongoing", "POST"]
)
async def test_given_a_finished_call_when_deleted_by_any_selector_then_success_in_the_exact_shape(
    lab: RunningLab,
    api: ApiClient,
    verba: VerbaClient,
    files: RecordedFiles,
    audit: Audit,
    selector: str,
) -> None:
    before = files.names()
    call = await finished_call(lab, api, verba, files)
    parameters = {
        "callID": {"callID": call.id.upper()},
        "two names": {"callID": call.id, "ccdr_id": call.id},
        "+": {"extension": "+5550003211", "status": "last"},
        "platformCallID": {"platformCallID": call.call_id},
        "nativeID": {"nativeID": call.call_id},
        "POST": {"callID": call.id},
    }.get(selector, {"extension": "5550003211", "status": selector})

    ask = verba.post if selector == "POST" else verba.ask
    answer = await ask("DeleteCall", **parameters)

    assert answer.body.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n\n<VerbaApi>\n\n'
        '<Response code="0" type="DeleteCall" />\n\n</VerbaApi>'
    )
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert ET.fromstring(answer.body).tag == "VerbaApi"  # noqa: S314 - our own answer
    assert files.names() == before
    assert audit.record(call.id) == []
    assert len(audit.lines(call.id)) == 1


async def test_given_two_ongoing_calls_of_an_extension_then_an_error_and_nothing_is_deleted(
    lab: RunningLab, api: ApiClient, verba: VerbaClient, files: RecordedFiles, audit: Audit
) -> None:
    async with lab.scripted("0003*212"), lab.scripted("0003*211"):
        ids = []
        for source in ("212", "211"):
            query = {"extension": source, "recording": "true"}
            call_id = await api.place([source], ["3235550201"], **query)
            await api.wait_status(call_id, 5)
            ids.append((await verba.conversation(call_id, ongoing=True)).findtext("ccdr_id", ""))

        answer = await verba.ask("DeleteCall", extension="3235550201", status="ongoing")

        assert answer.code == -1
        assert "More than one call found for extension 3235550201" in answer.message
        assert all(len(files.of(x)) == 1 and audit.record(x) for x in ids)
        await api.hang_up()
    for conversation_id in ids:
        answer = await verba.ask("DeleteCall", callID=conversation_id)
        assert answer.code == 0
        await audit.wait_removed(conversation_id)


async def test_given_status_next_when_a_call_starts_then_it_is_never_recorded(
    lab: RunningLab, api: ApiClient, verba: VerbaClient, files: RecordedFiles, audit: Audit
) -> None:
    before = files.names()
    for status in ("next", "ongoing, next"):
        waiting = asyncio.create_task(verba.ask("DeleteCall", extension="211", status=status))
        await asyncio.sleep(0.3)  # in which a request that does not wait is answered
        assert not waiting.done()
        assert (await verba.ask("GetCallID", callID=_UNKNOWN)).code == -50  # nothing is held up
        async with (
            lab.phone("0003*210", answer="auto", tone_hz=440) as alice,
            lab.phone("0003*211", answer="auto", tone_hz=1000),
        ):
            call_id = await api.place(["210"], ["211"], extension="210", recording="true")
            assert (await waiting).code == 0
            await api.wait_status(call_id, 5)
            await alice.wait_tone(1000)
            await asyncio.sleep(1)  # time in which a file would have appeared
            assert files.names() == before
            await api.hang_up("210", call_id)
            await api.wait_ended(call_id)
        [line] = audit.call_of(call_id)
        await audit.wait_removed(str(line["conversation_id"]))
        assert files.names() == before


async def test_given_a_ringing_call_when_ongoing_or_next_then_it_is_the_one(
    lab: RunningLab, api: ApiClient, verba: VerbaClient, files: RecordedFiles, audit: Audit
) -> None:
    before = files.names()
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=440) as alice,
        lab.phone("0003*211", tone_hz=1000) as bob,
    ):
        call_id = await api.place(["210"], ["211"], extension="210", recording="true")
        await bob.wait_ringing()
        answer = await verba.ask("DeleteCall", extension="211", status="ongoing,next")
        assert answer.code == 0
        await bob.accept()
        await alice.wait_tone(1000)
        await asyncio.sleep(1)  # time in which a file would have appeared
        assert files.names() == before
        await api.hang_up("210", call_id)
        await api.wait_ended(call_id)
    [line] = audit.call_of(call_id)
    await audit.wait_removed(str(line["conversation_id"]))


async def test_given_no_next_call_then_not_found_after_the_wait(verba: VerbaClient) -> None:
    began = time.monotonic()

    answer = await verba.ask("DeleteCall", extension="211", status="next")

    assert 5.9 < time.monotonic() - began < 9
    assert answer.code == -50
    assert answer.message.startswith("Call for extension 211 with status next not found after ")


async def test_given_a_client_that_went_away_when_the_next_call_starts_then_it_is_recorded(
    lab: RunningLab, api: ApiClient, verba: VerbaClient, files: RecordedFiles, audit: Audit
) -> None:
    waiting = asyncio.create_task(verba.ask("DeleteCall", extension="211", status="next"))
    await asyncio.sleep(0.5)  # the request waits at the service: nothing says so
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    async with recorded_call(lab, api, verba) as call:
        await files.wait_growing(call.id, 8_000)
    assert audit.lines(call.id) == []
    assert (await verba.ask("DeleteCall", callID=call.id)).code == 0
