"""Guessing secrets: after some wrong ones an address is told to come again later."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from bridge.testing.lab.running_lab import RunningLab, open_lab

pytestmark = pytest.mark.asyncio(loop_scope="module")

ATTACKER = "127.0.0.66"
LIMITS = {"wrong_secrets_per_client_max": "10", "wrong_secrets_per_address_max": "30"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    lab = await open_lab(tmp_path_factory.mktemp("guessing"), LIMITS)
    try:
        yield lab
    finally:
        await lab.close()


def session_from(address: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(local_addr=(address, 0)))


async def ask_token(
    session: aiohttp.ClientSession, lab: RunningLab, client_id: str, secret: str
) -> tuple[int, str, str | None]:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    async with session.post(f"{lab.bridge.base_url}/oauth/token.php", data=form) as answer:
        body = await answer.json()
        return answer.status, str(body.get("error")), answer.headers.get("Retry-After")


async def ask_verba(
    session: aiohttp.ClientSession, lab: RunningLab, action: str, **parameters: str
) -> tuple[str, str | None]:
    """The result code, and when to come again."""
    query = {"action": action, **parameters}
    async with session.get(f"{lab.bridge.base_url}/verba/api", params=query) as answer:
        assert answer.status == 200
        text = await answer.text()
        return text.partition('code="')[2].partition('"')[0], answer.headers.get("Retry-After")


async def test_given_guesses_of_a_client_secret_then_429_for_that_address_only(
    lab: RunningLab,
) -> None:
    right = lab.bridge.secret("app/user-12")
    async with session_from("127.0.0.61") as attacker, session_from("127.0.0.62") as good:
        assert (await ask_token(good, lab, "user-12", right))[0] == 200
        answers = [await ask_token(attacker, lab, "user-12", f"guess{x}") for x in range(40)]
        assert Counter(x[0] for x in answers) == {401: 10, 429: 30}
        status, error, retry = answers[-1]
        assert (status, error) == (429, "too_many_requests")
        assert 0 < int(retry or "") <= 30
        assert (await ask_token(attacker, lab, "user-12", right))[0] == 429  # it might be a guess
        assert (await ask_token(attacker, lab, "user-13", "x"))[0] == 401
        assert (await ask_token(good, lab, "user-12", right))[0] == 200
        names = [await ask_token(attacker, lab, f"name{x}", "y") for x in range(40)]
        assert Counter(x[0] for x in names) == {401: 19, 429: 21}


async def test_given_an_address_that_logged_in_when_its_neighbour_guesses_then_it_still_does(
    lab: RunningLab,
) -> None:
    right = lab.bridge.secret("app/user-12")
    async with session_from("127.0.0.63") as proxy:
        assert (await ask_token(proxy, lab, "user-12", right))[0] == 200
        for guess in range(40):
            await ask_token(proxy, lab, "user-12", f"guess{guess}")
        assert (await ask_token(proxy, lab, "user-12", "wrong"))[0] == 429
        assert (await ask_token(proxy, lab, "user-12", right))[0] == 200


async def test_given_guesses_of_verba_keys_then_the_right_one_is_not_looked_at_either(
    lab: RunningLab,
) -> None:
    key = lab.bridge.secret("verba-key/erasure")
    search = {"start": "2000-01-01 00:00"}
    async with session_from("127.0.0.64") as attacker, session_from("127.0.0.65") as good:
        answers = [
            await ask_verba(attacker, lab, "SearchCalls", apiKey=f"key{x}") for x in range(40)
        ]
        assert {code for code, _ in answers} == {"-41"}
        assert [retry is None for _, retry in answers] == [True] * 10 + [False] * 30
        assert (await ask_verba(attacker, lab, "SearchCalls", apiKey=key, **search))[0] == "-41"
        assert (await ask_verba(good, lab, "SearchCalls", apiKey=key, **search))[0] == "0"


async def test_given_guesses_of_a_verba_password_then_they_are_limited(lab: RunningLab) -> None:
    key = lab.bridge.secret("verba-key/supervisor desk")
    login = {"apiKey": key, "userName": "supervisor"}
    right = lab.bridge.secret("verba-user/supervisor")
    async with session_from(ATTACKER) as attacker, session_from("127.0.0.67") as good:
        answers = [
            await ask_verba(attacker, lab, "RequestToken", password=f"p{x}", **login)
            for x in range(20)
        ]
        assert {code for code, _ in answers} == {"-40"}
        assert [retry is None for _, retry in answers] == [True] * 10 + [False] * 10
        assert (await ask_verba(attacker, lab, "RequestToken", password=right, **login))[0] == "-40"
        assert (await ask_verba(good, lab, "RequestToken", password=right, **login))[0] == "0"


async def test_given_guesses_of_a_pin_then_429_for_that_address_only(lab: RunningLab) -> None:
    right = lab.bridge.secret("app/user-12")
    view = {"destination": ["3235550180"]}
    body = {"extension": "500", "phoneCallView": [view]}

    async def invite(session: aiohttp.ClientSession, token: str, pin: str) -> tuple[int, str]:
        url = f"{lab.bridge.base_url}/uapi/phoneCalls/@me/conferenceInvite?number=1234&pin={pin}"
        headers = {"Authorization": f"Bearer {token}"}
        async with session.post(url, json=body, headers=headers) as answer:
            found = await answer.json()
            return answer.status, found[0]["id"] if answer.status == 202 else found["error"]["code"]

    async with session_from("127.0.0.71") as attacker, session_from("127.0.0.72") as good:
        form = {"grant_type": "client_credentials", "client_id": "user-12", "client_secret": right}
        async with good.post(f"{lab.bridge.base_url}/oauth/token.php", data=form) as answer:
            token = str((await answer.json())["access_token"])
        answers = [await invite(attacker, token, f"000{x}") for x in range(15)]
        assert Counter(answers) == {
            (400, "pc_pin_invalid"): 10,
            (429, "too_many_requests"): 5,
        }
        assert (await invite(attacker, token, "9876"))[0] == 429  # it might be a guess
        assert (await invite(good, token, "9876"))[0] == 202
        url = f"{lab.bridge.base_url}/uapi/phoneCalls/@me/500"
        await good.delete(url, headers={"Authorization": f"Bearer {token}"})
