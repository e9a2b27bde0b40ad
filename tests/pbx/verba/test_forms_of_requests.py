"""Requests in forms that clients really send, and in forms that nobody can read."""

from __future__ import annotations

from io import BytesIO

import pytest

from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.verba_client import VerbaAnswer, VerbaClient

pytestmark = pytest.mark.asyncio(loop_scope="session")

_UNKNOWN = "00000000-0000-0000-0000-000000000000"


async def send(
    verba: VerbaClient, body: bytes, content_type: str | None, query: str = ""
) -> VerbaAnswer:
    """A POST with exactly this body and type."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    skip = ["Content-Type"] if content_type is None else []
    url = f"{verba.url}?{query}"
    async with verba.http.post(
        url, data=BytesIO(body), headers=headers, skip_auto_headers=skip
    ) as answer:
        return VerbaAnswer(answer.status, answer.headers, await answer.read())


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", None])
async def test_given_a_form_when_posted_then_its_type_may_be_left_out(
    verba: VerbaClient, content_type: str | None
) -> None:
    form = f"action=GetCallID&apiKey={verba.api_key}&callID={_UNKNOWN}".encode()
    assert (await send(verba, form, content_type)).code == -50


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"callID=+2AA-", "application/x-www-form-urlencoded; charset=utf-7"),
        (b"callID=1", "application/x-www-form-urlencoded; charset=nonsense"),
        # Python's decoder takes seconds for this one.
        (b"e28h" + b"b" * 60_000, "application/x-www-form-urlencoded; charset=punycode"),
        (b"callID=%ff", None),
        (b"--x\r\nno colon\r\n\r\nv\r\n--x--\r\n", "multipart/form-data; boundary=x"),
        (
            b'--x\r\nContent-Disposition: form-data; name="callID"\r\n'
            b"Content-Transfer-Encoding: zzz\r\n\r\nv\r\n--x--\r\n",
            "multipart/form-data; boundary=x",
        ),
        (b"a=" + b"x" * 2_000_000, "application/x-www-form-urlencoded"),
        (b"&".join(b"a%d=1" % x for x in range(2_000)), None),
    ],
)
async def test_given_a_form_nobody_can_read_when_posted_then_it_is_said_in_the_wanted_form(
    lab: RunningLab, verba: VerbaClient, body: bytes, content_type: str | None
) -> None:
    query = f"action=DeleteCall&apiKey={verba.api_key}&callID=1&responseType=TEXT"
    answer = await send(verba, body, content_type, query)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    code, message = answer.text.splitlines()
    assert code == "DeleteCall: -20"
    assert message.startswith("ErrorMessage: ")
    assert lab.bridge.log_lines("error") == []


async def test_given_a_value_that_is_no_text_when_asked_then_the_wanted_form_is_kept(
    verba: VerbaClient,
) -> None:
    answer = await verba.ask("DeleteCall", callID="a\x00b", responseType="TEXT")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.text.startswith("DeleteCall: -20")


async def test_given_an_unknown_response_type_when_asked_then_the_action_is_still_named(
    verba: VerbaClient,
) -> None:
    answer = await verba.ask("DeleteCall", callID=_UNKNOWN, responseType="xml")
    assert answer.code == -20
    assert answer.response.attrib["type"] == "DeleteCall"


@pytest.mark.parametrize("action", ["DeleteCall", "GetCallInformation"])
async def test_given_a_key_of_all_when_a_short_number_means_several_then_nothing_is_done(
    verba: VerbaClient, action: str
) -> None:
    answer = await verba.ask(action, extension="210", status="last")
    assert answer.code == -20
    assert "0003*210" in answer.message


async def test_given_multipart_when_posted_then_charsets_of_its_parts_are_not_looked_at(
    verba: VerbaClient,
) -> None:
    def part(name: str, value: str) -> str:
        return (
            f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n'
            f"Content-Type: text/plain; charset=punycode\r\n\r\n{value}\r\n"
        )

    form = part("action", "GetCallID") + part("apiKey", verba.api_key) + part("callID", _UNKNOWN)
    file = '--x\r\nContent-Disposition: form-data; name="callID"; filename="f"\r\n\r\nx\r\n'
    body = f"{form}{file}--x--\r\n".encode()
    answer = await send(verba, body, "multipart/form-data; boundary=x")
    assert answer.code == -50, answer.text
