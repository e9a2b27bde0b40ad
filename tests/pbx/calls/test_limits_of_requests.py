"""Whatever is sent: an answer in JSON with `error`, at most one line in the log, no traceback."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from tests.pbx.calls.limited_lab import open_limited_lab, restart_with
from tests.pbx.calls.test_sip_over_websocket import USER, digest, register

pytestmark = pytest.mark.asyncio(loop_scope="session")

LIMITS = {
    "body_max_bytes": "4096",
    "header_max_bytes": "2048",
    "uri_max_bytes": "2048",
    "parties_max": "3",
    "nonce_max_chars": "20",
    "body_timeout_s": "1",
    "http_idle_timeout_s": "2",
    "sip_websockets_max": "1",
    "sip_websocket_registration_s": "2",
}
SIMPLE = "/uapi/phoneCalls/@me/simple"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    async with open_limited_lab(tmp_path_factory.mktemp("requests")) as lab:
        await restart_with(lab, LIMITS)
        yield lab


@pytest_asyncio.fixture(loop_scope="session")
async def api(lab: RunningLab) -> AsyncIterator[ApiClient]:
    """Each test ends with no call, no traceback, and at most one line more in the log."""
    async with lab.client() as client:
        await client.authenticate()
        lines = len(lab.bridge.log_text().splitlines())
        yield client
        assert await client.calls() == []
    new = lab.bridge.log_text().splitlines()[lines:]
    assert len(new) <= 1, new
    assert "Traceback" not in "\n".join(new)
    assert client.token is not None
    assert client.token not in "\n".join(new)


async def raw(lab: RunningLab, data: bytes) -> tuple[int, object]:
    """Status and JSON body of the answer to these bytes."""
    port = int(lab.bridge.base_url.rpartition(":")[2])
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(data)
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        status = int(head.split()[1])
        fields = dict(x.lower().split(": ", 1) for x in head.split("\r\n")[1:] if x)
        assert fields["content-type"].startswith("application/json")
        body = await reader.readexactly(int(fields["content-length"]))
        writer.close()
    return status, json.loads(body)


def assert_error(answer: tuple[int, object]) -> None:
    status, body = answer
    assert 400 <= status < 500
    assert isinstance(body, dict)
    assert set(body) == {"error"}
    assert body["error"]["code"]
    assert body["error"]["message"]


def head(api: ApiClient, path: str, *more: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {api.token}", *more]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


async def test_given_body_too_large_when_posted_then_413_in_json(api: ApiClient) -> None:
    answer = await api.request("POST", SIMPLE, body=b'{"nonce": "' + b"x" * 5000 + b'"}')
    assert (answer.status, answer.code) == (413, "request_too_large")


async def test_given_chunked_body_too_large_when_posted_then_413_in_json(
    lab: RunningLab, api: ApiClient
) -> None:
    chunk = b"400\r\n" + b"x" * 1024 + b"\r\n"
    data = head(api, SIMPLE, "Transfer-Encoding: chunked") + chunk * 6 + b"0\r\n\r\n"
    status, body = await raw(lab, data)
    assert status == 413
    assert_error((status, body))


@pytest.mark.parametrize("where", ["line", "header"])
async def test_given_line_or_header_too_long_when_sent_then_the_message_names_the_limit(
    lab: RunningLab, api: ApiClient, where: str
) -> None:
    long = "x" * 3000
    data = head(api, f"{SIMPLE}?x={long}") if where == "line" else head(api, SIMPLE, f"X: {long}")
    status, body = await raw(lab, data)
    assert_error((status, body))
    assert "2048" in str(body)


def body_with(nonce: object = None, callerId: str = "A <1>") -> bytes:  # noqa: N803 - as in JSON
    """A call that would be placed, but for what is given."""
    view = {"source": ["3235550202"], "destination": ["3235550201"], "callerId": callerId}
    call = {"extension": "210", "phoneCallView": [view]}
    return json.dumps(call if nonce is None else {**call, "nonce": nonce}).encode()


@pytest.mark.parametrize("name", ["source", "destination"])
async def test_given_list_too_long_when_posted_then_its_code(api: ApiClient, name: str) -> None:
    lists = {"source": ["3235550202"], "destination": ["3235550201"]}
    lists[name] = [f"323555020{x}" for x in range(4)]
    answer = await api.create(lists["source"], lists["destination"], extension="210")
    assert (answer.status, answer.code) == (400, f"pc_{name}_invalid")


async def test_given_uri_too_long_when_sent_then_error_in_json(
    lab: RunningLab, api: ApiClient
) -> None:
    assert_error(await raw(lab, head(api, SIMPLE + "?x=" + "y" * 9000)))


async def test_given_header_too_long_when_sent_then_error_in_json(
    lab: RunningLab, api: ApiClient
) -> None:
    assert_error(await raw(lab, head(api, SIMPLE, "X-Long: " + "y" * 9000)))


async def test_given_uri_and_header_below_the_limit_when_sent_then_they_are_taken(
    lab: RunningLab, api: ApiClient
) -> None:
    path = f"/uapi/phoneCalls/@me/@self?x={'y' * 1500}"
    answer = await api.request("GET", path, headers={"X-Long": "y" * 1500})
    assert answer.status == 200


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64 + b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /uapi/ HTTP/9.9\r\n\r\n",
        b"GET /uapi/phoneCalls HTTP/1.1\r\nHost x\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /uapi/ HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /uapi/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        b"FOO /uapi/phoneCalls/@me/@self HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /uapi/phoneCalls/%ff/%c3%28/%00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /uapi/phoneCalls/@me/@self?count=%ff&%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET //uapi//phoneCalls HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PATCH /uapi/phoneCalls/@me/simple HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
async def test_given_bytes_that_are_no_request_of_ours_when_sent_then_error_in_json(
    lab: RunningLab, api: ApiClient, data: bytes
) -> None:
    assert_error(await raw(lab, data))


@pytest.mark.parametrize(
    "data",
    [
        "GET /uapi/phoneCalls/@me/@self?accessRequestToken={token} HTTP/9.9\r\n\r\n",
        "GET /uapi/x?accessRequestToken={token}&y=\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /uapi/x?accessRequestToken={token}&y=" + "y" * 3000 + " HTTP/1.1\r\n\r\n",
        "GET /uapi/x HTTP/1.1\r\nHost: x\r\nAuthorization Bearer {token}\r\n\r\n",
        "GET /uapi/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\x00\r\n\r\n",
        "{token}\r\n\r\n",
        "client_secret={token}&grant_type=client_credentials\r\n\r\n",
    ],
)
async def test_given_token_in_bytes_that_are_no_http_when_sent_then_log_does_not_have_it(
    lab: RunningLab, api: ApiClient, data: str
) -> None:
    assert_error(await raw(lab, data.replace("{token}", str(api.token)).encode("latin-1")))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"[]",
        b'"x"',
        b"null",
        b"[" * 4000,
        b'{"a":' * 800,
        b'{"phoneCallView": ' + b"1" * 4000 + b"}",
        b'{"phoneCallView": [{"source": ["\\ud800"], "destination": ["210"]}]}',
        body_with(nonce="\ud800"),
        body_with(nonce="\0"),
        body_with(nonce="n" * 21),
        body_with(nonce={"a": [1]}),
        body_with(callerId="\ud800 <1>"),
        body_with(callerId="a\r\nAction: Logoff <1>"),
        b'{"extension":1e400,"phoneCallView":[{"source":[NaN],"destination":[Infinity]}]}',
        b'{"extension":{"a":1},"phoneCallView":[{"source":{"a":1},"destination":[[]]}]}',
    ],
)
async def test_given_body_that_is_no_call_when_posted_then_400_in_json(
    api: ApiClient, body: bytes
) -> None:
    answer = await api.request("POST", SIMPLE, body=body)
    assert answer.status == 400, answer.text
    assert answer.code
    assert answer.message


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize(
    "path",
    [
        "/uapi/phoneCalls/" + "9" * 1500 + "/@self",
        "/uapi/phoneCalls/@me/" + "0" * 1500,
        "/uapi/phoneCalls/@nobody/@self",
        "/uapi/phoneCalls/%F0%9F%92%A9/210",
        "/uapi/phoneCalls/@me/%0d%0aX: y",
        "/uapi/phoneCalls/@owner/@self",
    ],
)
async def test_given_path_that_names_nobody_when_asked_then_400_in_json(
    api: ApiClient, method: str, path: str
) -> None:
    answer = await api.request(method, path)
    assert answer.status == 400, answer.text
    assert answer.code in ("user_invalid", "extension_invalid")


async def test_given_a_refused_request_when_logged_then_the_line_says_whose_and_why(
    lab: RunningLab, api: ApiClient
) -> None:
    answer = await api.request(
        "POST", SIMPLE, params={"waitForPickup": "x\n\x1b[31m"}, body={"extension": "210"}
    )
    line = lab.bridge.log_lines()[-1]
    assert line["event"] == "request_refused"
    assert (line["method"], line["path"], line["app"]) == ("POST", SIMPLE, "user-12")
    assert (line["status"], line["code"], line["why"]) == (400, answer.code, answer.message)


@pytest.mark.parametrize("path", [SIMPLE, "/oauth/token.php"])
async def test_given_a_body_that_does_not_come_when_waited_for_then_408(
    lab: RunningLab, api: ApiClient, path: str
) -> None:
    status, body = await raw(lab, head(api, path, "Content-Length: 100") + b"x")
    assert status == 408
    assert "did not come within 1 s" in str(body)


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n"])
async def test_given_no_request_or_half_of_one_when_waited_for_then_the_connection_is_closed(
    lab: RunningLab, api: ApiClient, sent: bytes
) -> None:
    port = int(lab.bridge.base_url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    async with asyncio.timeout(15):
        assert await reader.read() == b""
    writer.close()


async def test_given_as_many_phones_over_websocket_as_may_be_when_another_comes_then_503(
    lab: RunningLab,
) -> None:
    url = lab.bridge.base_url.replace("http", "ws", 1) + "/ws"
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url, protocols=("sip",)):
            with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
                await session.ws_connect(url, protocols=("sip",))

        async def let_in() -> bool:
            with contextlib.suppress(aiohttp.WSServerHandshakeError):
                async with session.ws_connect(url, protocols=("sip",)) as again:
                    assert again.protocol == "sip"
                return True
            return False

        await eventually(let_in, timeout=10)


async def test_given_a_stranger_on_websocket_when_it_does_not_register_then_it_must_go(
    lab: RunningLab,
) -> None:
    """Also when it makes Asterisk answer: without a password there is no 200 to a REGISTER."""
    url = lab.bridge.base_url.replace("http", "ws", 1) + "/ws"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, protocols=("sip",)) as ws,
    ):
        await ws.send_str(register("stranger", 1))
        assert (await ws.receive_str(timeout=10)).startswith("SIP/2.0 401")
        await ws.send_str(register("odd", 1).replace("REGISTER sip:pbx", "OPTIONS sip:pbx"))
        async with asyncio.timeout(15):
            async for message in ws:
                assert not str(message.data).startswith("SIP/2.0 200")


async def test_given_a_registered_phone_on_websocket_when_it_is_silent_then_it_stays(
    lab: RunningLab,
) -> None:
    url = lab.bridge.base_url.replace("http", "ws", 1) + "/ws"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, protocols=("sip",)) as ws,
    ):
        await ws.send_str(register("phone", 1))
        challenge = await ws.receive_str(timeout=10)
        await ws.send_str(register("phone", 2, digest(challenge, lab.bridge.secret(f"sip/{USER}"))))
        async with asyncio.timeout(10):
            while not (await ws.receive_str()).startswith("SIP/2.0 200"):
                pass  # OPTIONS may come first
        await asyncio.sleep(4)  # longer than one that has not registered may stay
        await ws.send_str(register("again", 1))
        async with asyncio.timeout(10):
            while not (await ws.receive_str()).startswith("SIP/2.0 401"):
                pass
    assert [x for x in lab.bridge.log_lines() if x["event"] == "sip_websocket_registered"]
