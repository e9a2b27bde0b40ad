"""The ARI client against a small HTTP server: what it asks for, and what it makes of answers."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import encode_basic_auth, web
from aiohttp.test_utils import TestServer

from bridge.pbx.ari.client import AriClient
from bridge.pbx.ari.errors import AriError, AriNotFound, AriNotLoaded, AriRefused, AriUnavailable
from bridge.pbx.pbx_settings import AriSettings


class FakeAri:
    """Answers everything with `status` and `body`, after `delay_s`; remembers what was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.body: str | bytes = "{}"
        self.delay_s = 0.0
        self.requests: list[tuple[str, str, str]] = []
        self.authorization = ""
        self.headers: dict[str, str] = {}

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, request.raw_path, await request.text()))
        self.authorization = request.headers.get("Authorization", "")
        await asyncio.sleep(self.delay_s)  # an ARI that is late
        if self.status == 204:
            return web.Response(status=204)
        body = self.body if isinstance(self.body, bytes) else self.body.encode()
        return web.Response(status=self.status, body=body, headers=self.headers)


@pytest.fixture
async def fake() -> FakeAri:
    return FakeAri()


@pytest.fixture
async def ari(fake: FakeAri) -> AsyncIterator[AriClient]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", fake.answer)
    async with TestServer(app, host="127.0.0.1") as server:
        settings = AriSettings(
            f"http://127.0.0.1:{server.port}/ari", "bridge", "s3cret", request_timeout_s=0.3
        )
        async with AriClient(settings) as client:
            yield client


async def test_the_star_of_a_number_is_escaped(fake: FakeAri, ari: AriClient) -> None:
    fake.body = "[]"
    await ari.put_dynamic_object("aor", "0003*210", {"max_contacts": "1"})
    assert fake.requests == [
        (
            "PUT",
            "/ari/asterisk/config/dynamic/res_pjsip/aor/0003%2A210",
            '{"fields": [{"attribute": "max_contacts", "value": "1"}]}',
        )
    ]
    assert fake.authorization == encode_basic_auth("bridge", "s3cret")


async def test_each_contact_of_an_aor_is_told(fake: FakeAri, ari: AriClient) -> None:
    contacts = [{"attribute": "contact", "value": x} for x in ("sip:a@b", "sip:a@c")]
    fake.body = json.dumps([*contacts, {"attribute": "max_contacts", "value": "0"}])
    told = await ari.dynamic_object("aor", "0003*210")
    assert told == {"contact": "sip:a@b,sip:a@c", "max_contacts": "0"}


async def test_objects_that_are_not_there(fake: FakeAri, ari: AriClient) -> None:
    fake.status, fake.body = 404, '{"message": "Recording not found"}'
    assert await ari.dynamic_object("auth", "x") is None
    assert not await ari.delete_dynamic_object("auth", "x")
    assert not await ari.delete_stored_recording("x")
    with pytest.raises(AriNotFound, match="Recording not found"):
        await ari.version()


@pytest.mark.parametrize("body", ['{"message": "Resource not found"}', "<html>Not Found</html>"])
async def test_a_part_of_ari_that_is_not_loaded_yet_says_nothing_about_the_object(
    fake: FakeAri, ari: AriClient, body: str
) -> None:
    fake.status, fake.body = 404, body
    with pytest.raises(AriNotLoaded):
        await ari.delete_stored_recording("x")
    with pytest.raises(AriNotLoaded):
        await ari.dynamic_object("auth", "x")


async def test_endpoint_states(fake: FakeAri, ari: AriClient) -> None:
    fake.body = """[{"technology": "PJSIP", "resource": "0003*210", "state": "online"},
        {"technology": "PJSIP", "resource": "0003*211", "state": "offline"},
        {"technology": "PJSIP", "resource": "trunk", "state": "unknown"}]"""
    assert await ari.endpoint_states() == {
        "PJSIP/0003*210": True,
        "PJSIP/0003*211": False,
        "PJSIP/trunk": True,
    }


async def test_recordings(fake: FakeAri, ari: AriClient) -> None:
    fake.body = "RIFF" * 50_000
    async with ari.stored_recording_file("a/b c") as chunks:
        assert b"".join([chunk async for chunk in chunks]) == fake.body.encode()
    assert fake.requests[-1][1] == "/ari/recordings/stored/a%2Fb%20c/file"
    fake.status = 204
    assert await ari.delete_stored_recording("a/b c")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, AriRefused),
        (409, AriRefused),
        (500, AriRefused),
        (503, AriUnavailable),
        (302, AriRefused),
    ],
)
async def test_refusals(fake: FakeAri, ari: AriClient, status: int, error: type[AriError]) -> None:
    fake.status, fake.body = status, "not json"
    with pytest.raises(error):
        await ari.version()


async def test_no_answer_in_time_and_no_server(fake: FakeAri, ari: AriClient) -> None:
    fake.delay_s = 1
    with pytest.raises(AriUnavailable, match="in time"):
        await ari.version()
    async with AriClient(AriSettings("http://127.0.0.1:1/ari", "u", "s")) as nobody:
        with pytest.raises(AriUnavailable):
            await nobody.version()
    await ari.close()
    with pytest.raises(AriUnavailable, match="closed"):
        await ari.version()


@pytest.mark.parametrize("name", ["", ".", ".."])
async def test_a_name_cannot_leave_its_path(fake: FakeAri, ari: AriClient, name: str) -> None:
    with pytest.raises(AriRefused):
        await ari.delete_stored_recording(name)
    assert fake.requests == []


async def test_an_answer_that_is_no_json(fake: FakeAri, ari: AriClient) -> None:
    fake.body = "<html>"
    with pytest.raises(AriError, match="not JSON"):
        await ari.version()


async def test_no_endpoint_of_a_technology_is_an_empty_list(fake: FakeAri, ari: AriClient) -> None:
    fake.status, fake.body = 404, '{"message":"No Endpoints found - invalid tech PJSIP"}'
    assert await ari.endpoints() == []
    assert await ari.endpoint_states() == {}


async def test_a_compressed_answer_is_not_unpacked(fake: FakeAri, ari: AriClient) -> None:
    fake.body = gzip.compress(b'{"system": {"version": "22.10.1"}}')
    fake.headers = {"Content-Encoding": "gzip"}
    with pytest.raises(AriError, match="not JSON"):
        await ari.version()


async def test_an_answer_without_end_is_given_up(fake: FakeAri) -> None:
    fake.body = b'"' + bytes(100_000) + b'"'
    app = web.Application()
    app.router.add_get("/{tail:.*}", fake.answer)
    async with TestServer(app, host="127.0.0.1") as server:
        url = f"http://127.0.0.1:{server.port}/ari"
        async with AriClient(AriSettings(url, "u", "p", max_answer_bytes=10_000)) as client:
            with pytest.raises(AriError, match="longer than 10000 bytes"):
                await client.version()


@pytest.mark.parametrize("body", ["[1]", '{"a": 1}', "[{}]", "null", '"x"', '[{"name": 1}]'])
async def test_an_answer_of_another_form_is_a_failure_of_ari(
    fake: FakeAri, ari: AriClient, body: str
) -> None:
    """As where something else than Asterisk answers. None of them may be another exception."""
    fake.body = body
    for ask in (
        ari.version(),
        ari.endpoints(),
        ari.dynamic_object("aor", "x"),
    ):
        with pytest.raises(AriError, match="not one of ARI"):
            await ask
