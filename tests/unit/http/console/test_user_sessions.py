"""A session of a user: who gets one, what it opens, and when it is over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from bridge.access import password_sign_in
from bridge.access.password_hash import hash_of
from bridge.directory.loader import EXAMPLE_FILE

from ..whole_service import WholeService, whole_service
from .console_client import ConsoleClient, console_client

pytestmark = pytest.mark.asyncio(loop_scope="module")

PASSWORD = "kT7-wq0ZpR4xUe2L"
CALLS = "/uapi/phoneCalls/@me/0003*220"
BOB = "        name: Bob Brown\n"


class Given:
    """A service whose directory gives the user 13 a password."""

    def __init__(self, service: WholeService, file: Path) -> None:
        self.service = service
        self.file = file

    def reload(self, password: str | None) -> str:
        """The user 13 has that password from now on; None: no password. Returns its hash."""
        hashed = hash_of(password) if password else ""
        self.file.write_text(_directory(hashed))
        self.service.service.directory.reload()
        return hashed


def _directory(hashed: str) -> str:
    text = EXAMPLE_FILE.read_text("utf-8")
    assert text.count(BOB) == 1
    return text.replace(BOB, BOB + (f"        password: {hashed}\n" if hashed else ""))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def given(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Given]:
    folder = tmp_path_factory.mktemp("users")
    file = folder / "directory.yaml"
    file.write_text(_directory(hash_of(PASSWORD)))
    async with whole_service(folder, directory_file=file, wrong_secrets_per_client_max=3) as made:
        yield Given(made, file)


@asynccontextmanager
async def _bob(given: Given) -> AsyncIterator[ConsoleClient]:
    given.reload(PASSWORD)
    async with console_client(given.service) as client:
        status, _ = await client.sign_in(user="13", password=PASSWORD)
        assert status == 200
        yield client


async def test_given_a_password_when_signed_in_then_the_user_reaches_the_own_phones_only(
    given: Given,
) -> None:
    async with _bob(given) as client:
        _, told = await client.ask("GET", "/console/session")
        assert told["user"] == {"id": "13", "name": "Bob Brown"}
        assert (told["app"]["clientId"], told["app"]["level"]) == ("user/13", "User")
        _, reach = await client.ask("GET", "/console/reach")
        assert [x["id"] for x in reach["users"]] == ["13"]
        assert [x["number"] for x in reach["users"][0]["extensions"]] == ["0003*220"]
        assert (await client.ask("GET", CALLS))[0] == 200
        for path in ("/uapi/phoneCalls/12/0003*210", "/console/phones/0003*210"):
            assert (path, (await client.ask("GET", path))[0]) == (path, 400)
        _, phone = await client.ask("GET", "/console/phones/0003*220")
        extension = given.service.service.directory.directory.extensions["0003*220"]
        assert phone["password"] == extension.sip_secret
        for path in ("/console/charts", "/uapi/extensions/@me/220/phoneCallEvents"):
            assert (path, (await client.ask("GET", path))[0]) == (path, 200)


async def test_given_a_generated_password_when_signed_in_then_it_counts(given: Given) -> None:
    password = given.service.service.directory.directory.users[12].password or ""
    async with console_client(given.service) as client:
        status, told = await client.sign_in(user="0003*211", password=password)
        assert (status, told["app"]["clientId"]) == (200, "user/12")


@pytest.mark.parametrize("after", ["another-one-of-16", PASSWORD, None])
async def test_given_a_session_when_the_password_is_set_anew_or_taken_away_then_it_is_over(
    given: Given, after: str | None
) -> None:
    async with _bob(given) as client:
        given.reload(after)
        assert await client.ask("GET", "/console/session") == (200, None)
        assert (await client.ask("GET", CALLS))[0] == 401


async def test_given_a_reload_that_leaves_the_password_when_asked_then_the_session_goes_on(
    given: Given,
) -> None:
    async with _bob(given) as client:
        given.service.service.directory.reload()
        assert (await client.ask("GET", CALLS))[0] == 200


async def test_given_a_hash_when_used_as_a_secret_or_a_password_then_it_opens_nothing(
    given: Given,
) -> None:
    hashed = given.reload(PASSWORD)
    async with aiohttp.ClientSession() as http:
        fields = {"grant_type": "client_credentials", "client_id": "user/13"}
        for secret in (hashed, PASSWORD):
            url = f"{given.service.base_url}/oauth/token.php"
            async with http.post(url, data={**fields, "client_secret": secret}) as answer:
                assert answer.status == 401
    async with console_client(given.service) as client:
        fields = {"user": "13", "password": hashed}
        assert (await client.sign_in(**fields))[0] == 401
        assert (await client.sign_in(clientId="user/13", clientSecret=hashed))[0] == 401


async def test_given_an_unknown_user_when_refused_then_the_answer_is_that_of_a_wrong_password(
    given: Given,
) -> None:
    given.reload(PASSWORD)
    answers = []
    async with console_client(given.service) as client:
        for user in ("21", "99"):
            status, told = await client.sign_in(user=user, password="wrong")
            answers.append((status, told["error"]["code"], told["error"]["message"]))
    assert answers == [(401, "sign_in_refused", "The name or the password is wrong.")] * 2


async def test_given_too_many_wrong_passwords_when_tried_at_once_then_no_more_hashes_are_made(
    given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def counted(password: str, _: str | None) -> bool:
        made.append(password)
        return False

    monkeypatch.setattr(password_sign_in, "fits", counted)
    async with console_client(given.service) as client:
        tried = [(await client.sign_in(user="98", password="x"))[0] for _ in range(5)]
    assert tried == [401] * 3 + [429] * 2
    assert len(made) == 3
