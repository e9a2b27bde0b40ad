"""POST /oauth/token.php: every form in which clients ask, and OAuth's own errors."""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import quote, quote_plus

import pytest

from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.lab.running_lab import RunningLab
from tests.lab.raw_http import send_raw

pytestmark = pytest.mark.asyncio(loop_scope="session")

FORM = "application/x-www-form-urlencoded"


async def ask(
    lab: RunningLab,
    body: str,
    *,
    target: str = "/oauth/token.php",
    content_type: str = FORM,
    method: str = "POST",
    **headers: str,
) -> Answer:
    """`{secret}` in the body stands for the secret of user-12."""
    names = {"Host": "voice.example.org", "Content-Type": content_type, **headers}
    text = body.replace("{secret}", quote_plus(secret_of(lab)))
    return await send_raw(lab.bridge.base_url, f"{method} {target} HTTP/1.1", names, text)


def secret_of(lab: RunningLab) -> str:
    return lab.bridge.secret("app/user-12")


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


async def works(lab: RunningLab, token: str) -> bool:
    client = ApiClient(lab.bridge.base_url, "user-12", "unused")
    client.token = token
    async with client:
        return (await client.request("GET", "/uapi/phoneCalls/@me/@self")).status == 200


async def refused(answer: Answer, status: int, error: str) -> None:
    assert (answer.status, answer.json["error"]) == (status, error), answer.text
    assert set(answer.json) == {"error", "error_description"}
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "body",
    [
        "grant_type=client_credentials&client_id=user-12&client_secret={secret}",
        "client_id=user-12&client_secret={secret}&grant_type=client_credentials&type=unifiedapi"
        "&redirect_uri=https%3A%2F%2Fhost%2Fouath%2Ftoken.php",
        "&grant_type=client_credentials&client_id=user-12&client_secret={secret}",
        "grant_type=client_credentials&redirect_uri=/app/index.php&client_id=user-12"
        "&client_secret={secret}&state=0",
    ],
)
@pytest.mark.parametrize("target", ["/oauth/token.php", "/oauth/token"])
async def test_given_the_form_of_a_real_client_when_a_token_is_asked_for_then_it_works(
    lab: RunningLab, body: str, target: str
) -> None:
    answer = await ask(lab, body, target=target)

    assert answer.status == 200, answer.text
    assert set(answer.json) == {"access_token", "token_type", "expires_in"}
    assert re.fullmatch(r"[A-Za-z0-9_.-]{10,}", answer.json["access_token"])
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("Bearer", 3600)
    assert answer.headers["Cache-Control"] == "no-store"
    assert await works(lab, answer.json["access_token"])


@pytest.mark.parametrize(
    "target",
    [
        "/oauth/token.php/",
        "/oauth/token/",
        "http://voice.example.org/oauth/token.php",
        "https://voice.example.org/oauth/token.php",
    ],
)
async def test_given_a_slash_or_an_absolute_target_when_a_token_is_asked_for_then_it_is_issued(
    lab: RunningLab, target: str
) -> None:
    body = "grant_type=client_credentials&client_id=user-12&client_secret={secret}"

    assert (await ask(lab, body, target=target)).status == 200


@pytest.mark.parametrize("content_type", ["", "text/plain", f"{FORM}; charset=UTF-8"])
async def test_given_another_content_type_when_a_token_is_asked_for_then_the_form_is_read(
    lab: RunningLab, content_type: str
) -> None:
    body = "grant_type=client_credentials&client_id=user-12&client_secret={secret}"

    assert (await ask(lab, body, content_type=content_type)).status == 200


def multipart(fields: dict[str, str], more: str = "") -> str:
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    return "".join(parts) + more + "--x--\r\n"


FIELDS = {"grant_type": "client_credentials", "client_id": "user-12", "client_secret": "{secret}"}
A_FILE = '--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nzzz\r\n'
FORM_DATA = "multipart/form-data; boundary=x"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (multipart(FIELDS), FORM_DATA),
        (multipart(FIELDS, A_FILE), FORM_DATA),
        (json.dumps(FIELDS), "application/json"),
        (json.dumps({**FIELDS, "type": None, "state": 0}), "application/json; charset=utf-8"),
        (json.dumps(FIELDS), FORM),
        ("\ufeff" + json.dumps(FIELDS), "application/json"),
        ("\ufeffgrant_type=client_credentials&client_id=user-12&client_secret={secret}", FORM),
        (
            "client_id=user-12&client_secret={secret}&grant_type=client_credentials"
            "&client_id=user-12&client_secret={secret}",
            FORM,
        ),
    ],
    ids=[
        "multipart",
        "multipart with a file",
        "JSON",
        "JSON with null and a number",
        "JSON said to be a form",
        "JSON with a BOM",
        "form with a BOM",
        "equal fields twice",
    ],
)
async def test_given_a_body_as_clients_send_it_when_a_token_is_asked_for_then_it_is_issued(
    lab: RunningLab, body: str, content_type: str
) -> None:
    answer = await ask(lab, body, content_type=content_type)

    assert answer.status == 200, answer.text
    assert await works(lab, answer.json["access_token"])


async def test_given_the_fields_in_the_query_when_a_token_is_asked_for_then_no_log_has_them(
    lab: RunningLab,
) -> None:
    query = "grant_type=client_credentials&client_id=user-12&client_secret="
    secret = quote_plus(secret_of(lab))

    answer = await ask(lab, "", target=f"/oauth/token.php?{query}{secret}")
    other = await ask(lab, "", target=f"/oauth/token.php?{query}{secret}x")
    both = await ask(lab, "client_id=user-13", target=f"/oauth/token.php?{query}{secret}")

    assert answer.status == 200, answer.text
    await refused(other, 401, "invalid_client")
    await refused(both, 400, "invalid_request")
    assert secret_of(lab) not in lab.bridge.log_text()


@pytest.mark.parametrize(
    "body",
    [
        multipart({f"x{i}": "1" for i in range(50)}),
        multipart(FIELDS).removesuffix("--x--\r\n"),
        multipart({"client_id": "a", "client_id ": "b"}) + "x",
        "",
    ],
)
async def test_given_a_bad_multipart_form_when_a_token_is_asked_for_then_400_of_oauth(
    lab: RunningLab, body: str
) -> None:
    await refused(await ask(lab, body, content_type=FORM_DATA), 400, "invalid_request")
    await refused(await ask(lab, body, content_type="multipart/form-data"), 400, "invalid_request")


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
async def test_given_basic_when_a_token_is_asked_for_then_it_is_issued(
    lab: RunningLab, scheme: str
) -> None:
    # RFC 6749 2.3.1: both parts are form-encoded first.
    credentials = basic(quote("user-12", safe=""), quote(secret_of(lab), safe=""))
    header = scheme + credentials.removeprefix("Basic")

    answer = await ask(lab, "grant_type=client_credentials", Authorization=header)

    assert answer.status == 200
    assert await works(lab, answer.json["access_token"])


@pytest.mark.parametrize(
    "body",
    [
        "grant_type=client_credentials&client_id=user-12&client_secret=wrong",
        "grant_type=client_credentials&client_id=nobody&client_secret={secret}",
        "grant_type=client_credentials&client_id=user-13&client_secret={secret}",
        "grant_type=client_credentials&client_id=user-12",
        "grant_type=client_credentials&client_secret={secret}",
        "grant_type=client_credentials",
        "grant_type=client_credentials&client_id=&client_secret=",
        "grant_type=client_credentials&client_id=user-12&client_secret={secret}x",
        "grant_type=client_credentials&client_id=%00%FF&client_secret=%C3%A9",
    ],
)
async def test_given_a_wrong_client_when_a_token_is_asked_for_then_all_get_the_same_401(
    lab: RunningLab, body: str
) -> None:
    answer = await ask(lab, body)

    await refused(answer, 401, "invalid_client")
    assert answer.json["error_description"] == "unknown client_id or wrong client_secret"
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


@pytest.mark.parametrize(
    "header",
    [basic("user-12", "wrong"), basic("", ""), basic("", "x"), "Basic", "Basic ?", "Basic é"],
)
async def test_given_wrong_basic_when_a_token_is_asked_for_then_401(
    lab: RunningLab, header: str
) -> None:
    body = "grant_type=client_credentials&client_id=user-12&client_secret={secret}"

    await refused(await ask(lab, body, Authorization=header), 401, "invalid_client")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("", "invalid_request"),
        ("client_id=user-12&client_secret={secret}", "invalid_request"),
        ("grant_type=&client_id=user-12&client_secret={secret}", "invalid_request"),
        (
            "grant_type=client_credentials&client_id=user-12&client_id=user-13&client_secret=x",
            "invalid_request",
        ),
        ("&".join(f"x{i}=1" for i in range(50)), "invalid_request"),
        (
            "grant_type=authorization_code&code=x&client_id=user-12&client_secret={secret}",
            "unsupported_grant_type",
        ),
        (
            "grant_type=refresh_token&client_id=user-12&client_secret={secret}",
            "unsupported_grant_type",
        ),
        ('{"grant_type": "client_credentials"', "invalid_request"),
        ('{"grant_type": ["client_credentials"]}', "invalid_request"),
        (
            '{"client_id": "a", "client_id": "b", "grant_type": "x"}',
            "invalid_request",
        ),
        ("{" + '"a":{' * 10_000, "invalid_request"),
    ],
    ids=lambda x: x[:30],
)
async def test_given_a_wrong_request_when_a_token_is_asked_for_then_400_in_the_form_of_oauth(
    lab: RunningLab, body: str, error: str
) -> None:
    await refused(await ask(lab, body), 400, error)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_given_another_method_when_a_token_is_asked_for_then_405_in_the_form_of_oauth(
    lab: RunningLab, method: str
) -> None:
    answer = await ask(lab, "", method=method)

    await refused(answer, 405, "invalid_request")
    assert answer.headers["Allow"] == "POST"


async def test_given_a_body_above_the_limit_when_a_token_is_asked_for_then_413_of_oauth(
    lab: RunningLab,
) -> None:
    await refused(await ask(lab, "x=" + "y" * 70_000), 413, "invalid_request")
