"""Requests as real clients put them on the wire, byte for byte, with real phones.

docs/reference/uapi.md §10 has them.
"""

from __future__ import annotations

from urllib.parse import quote_plus, urlsplit

import pytest

from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.lab.running_lab import RunningLab
from tests.lab.raw_http import send_raw

pytestmark = pytest.mark.asyncio(loop_scope="session")

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


async def send(
    lab: RunningLab, line: str, body: str = "", token: str = "", content_type: str = JSON
) -> Answer:
    headers = {"Host": urlsplit(lab.bridge.base_url).netloc, "Content-Type": content_type}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    answer = await send_raw(lab.bridge.base_url, f"{line} HTTP/1.1", headers, body)
    # Redirects are forbidden, and whatever is no success carries `error`.
    assert not 300 <= answer.status < 400
    if answer.status >= 400:
        assert answer.json["error"]
    return answer


async def token_of(lab: RunningLab) -> str:
    secret = quote_plus(lab.bridge.secret("app/user-12"))
    answer = await send(
        lab,
        "POST /oauth/token.php",
        f"&client_id=user-12&client_secret={secret}&grant_type=client_credentials&type=unifiedapi"
        "&redirect_uri=https%3A%2F%2Fhost%2Fouath%2Ftoken.php&state=0",
        content_type=FORM,
    )
    assert answer.status == 200, answer.text
    return str(answer.json["access_token"])


async def test_given_a_client_with_trailing_slashes_when_it_calls_polls_and_hangs_up_then_all_works(
    lab: RunningLab, api: ApiClient
) -> None:
    token = await token_of(lab)
    async with lab.phone("0003*210") as source, lab.phone("0003*211") as destination:
        created = await send(
            lab,
            "POST /uapi/phoneCalls/@me/simple/?waitForPickup=20&callDuration=60"
            "&allowPublicTransfer=true",
            '{"extension":"0003*210","phoneCallView":[{"source":["0003*210"],'
            '"destination":["0003*211"],"callerId":"John Doe <4242425>",'
            '"callerDestination":"Jane <123>"}],"nonce":"n1"}',
            token,
        )
        assert created.status == 202
        [call] = created.json
        assert call["nonce"] == "n1"
        rang = await source.wait_ringing()
        assert (rang.caller_name, rang.caller_number) == ("John Doe", "4242425")
        await source.accept()
        rang = await destination.wait_ringing()
        assert (rang.caller_name, rang.caller_number) == ("Jane", "123")
        await destination.accept()
        await api.wait_status(call["id"], 5)

        # A poller takes links.self as it is given.
        address = urlsplit(call["links"]["self"])
        assert address.netloc == urlsplit(lab.bridge.base_url).netloc
        polled = await send(lab, f"GET {address.path}", token=token)
        [entry] = polled.json["entry"]
        assert int(entry["phoneCallView"][0]["status"]) == 5
        assert [x["extension"] for x in entry["phoneCallView"]] == ["0003*210", "0003*211"]
        assert (polled.json["totalResults"], polled.json["itemsPerPage"]) == (1, 20)

        listed = await send(
            lab,
            f"GET /uapi/phoneCalls/@me/@self/{call['id']}/?count=5&filterBy=id&filterOp=equals"
            f"&filterValue={call['id']}&fields=id%2Canswered&startIndex=0&sortOrder=descending"
            "&sortOder=descending",
            token=token,
        )
        assert listed.status == 200
        assert set(listed.json["entry"][0]) == {"id", "answered"}

        other = await send(
            lab,
            f"DELETE /uapi/phoneCalls/@me/0003*210/{call['id']}/?phoneNumber=8887777",
            token=token,
        )
        assert (other.status, other.text) == (204, "")
        ended = await send(lab, f"DELETE /uapi/phoneCalls/@me/0003*210/{call['id']}/", token=token)
        assert (ended.status, ended.json) == (200, [{"id": call["id"]}])
        await source.wait_closed()
        await destination.wait_closed()
        await api.wait_ended(call["id"])
        after = await send(lab, f"GET {address.path}/", token=token)
        assert (after.status, after.json["entry"]) == (200, [])
        assert (source.incoming_invites, destination.incoming_invites) == (1, 1)


@pytest.mark.parametrize(
    ("prefix", "body"),
    [
        (
            "unifiedapi",
            '{"extension":"210","phoneCallView":[{"source":["210"],"destination":"211"}]}',
        ),
        ("uapi", '{"extension":"210","phoneCallView":[{"source":"210","destination":"211"}]}'),
        ("uapi", '{"extension":210,"phoneCallView":[{"source":[210],"destination":[211]}]}'),
        ("uapi", '{"phoneCallView":[{"source":["0003*210"],"destination":["0003*211"]}]}'),
    ],
)
async def test_given_a_client_of_another_kind_when_it_creates_then_both_phones_ring_once(
    lab: RunningLab, prefix: str, body: str
) -> None:
    token = await token_of(lab)
    async with (
        lab.phone("0003*210", answer="auto") as source,
        lab.phone("0003*211") as destination,
    ):
        created = await send(lab, f"POST /{prefix}/phoneCalls/@me/simple", body, token)
        assert created.status == 202
        await destination.wait_ringing()

        path = urlsplit(created.json[0]["links"]["self"]).path
        deleted = await send(lab, f"DELETE {path}", token=token)

        assert deleted.status == 200
        assert (await destination.wait_closed()).close_reason == "CANCEL received"
        await source.wait_closed()
        assert (source.incoming_invites, destination.incoming_invites) == (1, 1)


async def test_given_the_examples_of_the_specification_when_sent_then_they_are_accepted(
    lab: RunningLab, api: ApiClient
) -> None:
    token = await token_of(lab)
    public = await send(
        lab,
        "POST /uapi/phoneCalls/@me/simple",
        '{\n  "extension": "210",\n  "phoneCallView": [\n    {\n'
        '      "source": ["5354353", "5302040"],\n      "destination": ["3235742879"],\n'
        '      "callerId": "John Doe <4242425>"\n    }\n  ]\n}',
        token,
    )
    assert public.status == 202
    # Both public numbers answer; the first one talks to the third, the other one is dropped.
    on_call = await api.wait_status(public.json[0]["id"], 5)
    assert len(on_call["phoneCallView"]) == 2

    async with lab.phone("0003*210", answer="auto", tone_hz=1500) as phone:
        sandbox = await send(
            lab,
            "POST /uapi/phoneCalls/12/simple",
            '{"extension": "0003*210", "phoneCallView": [{"source": [ "0003*210" ],'
            ' "destination": [ "0003*00" ], "callerId": "John Doe <4242425>"}]}',
            token,
        )
        assert sandbox.status == 202
        await api.wait_status(sandbox.json[0]["id"], 5)
        await phone.wait_tone(1500)  # its own, from the echo
        assert phone.incoming_invites == 1
