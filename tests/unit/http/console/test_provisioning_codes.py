"""The address in a QR code: it counts once, and no longer than the rights of who made it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bridge.directory.loader import EXAMPLE_FILE

from ..whole_service import WholeService, whole_service
from .console_client import ConsoleClient, console_client, signed_in

pytestmark = pytest.mark.asyncio(loop_scope="module")

PHONE = "/console/phones/0003*210"
GUESSES = 10


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeService]:
    folder = tmp_path_factory.mktemp("codes")
    file = folder / "directory.yaml"
    file.write_text(EXAMPLE_FILE.read_text())
    settings = {"directory_file": file, "console_sip_server": "192.0.2.1:5060"}
    async with whole_service(folder, wrong_secrets_per_client_max=GUESSES, **settings) as running:
        yield running


async def address(client: ConsoleClient) -> str:
    status, told = await client.ask("POST", f"{PHONE}/provisioning")
    assert status == 200, told
    return str(told["url"])


async def asked(client: ConsoleClient, url: str, method: str = "GET") -> tuple[int, str]:
    async with client.http.request(method, url, headers={"Cookie": ""}) as answer:
        return answer.status, await answer.text()


async def test_given_an_address_when_used_twice_then_the_first_alone_is_told(
    running: WholeService,
) -> None:
    phone = running.service.directory.directory.extensions["0003*210"]
    async with signed_in(running, "user-12") as client:
        url = await address(client)
        assert (await asked(client, url, "HEAD"))[0] == 405  # a preview of the link
        status, text = await asked(client, url)
        assert status == 200
        assert str(phone.sip_secret) in text
        assert (await asked(client, url))[0] == 404


async def test_given_an_address_when_its_maker_signs_out_then_it_tells_nothing(
    running: WholeService,
) -> None:
    async with signed_in(running, "user-12") as client:
        url = await address(client)
        await client.ask("DELETE", "/console/session")
        assert (await asked(client, url))[0] == 404


async def test_given_an_address_when_the_phone_gets_another_user_then_it_tells_nothing(
    running: WholeService,
) -> None:
    directory = running.service.directory
    before = Path(directory.path).read_text()
    head, _, rest = before.partition("number: 0003*210")
    async with signed_in(running, "user-12") as client:
        url = await address(client)
        directory.path.write_text(
            f"{head}number: 0003*210{rest.replace('user: 12', 'user: 13', 1)}"
        )
        directory.reload()
        try:
            assert (await asked(client, url))[0] == 404
        finally:
            directory.path.write_text(before)
            directory.reload()


async def test_given_a_stranger_when_guessing_addresses_then_only_so_many_are_looked_up(
    running: WholeService,
) -> None:
    """With several instances each look is a query of the database."""
    async with console_client(running) as client:
        urls = [f"{running.base_url}/console/provision/made-up-{x}" for x in range(GUESSES + 1)]
        statuses = [(await asked(client, x))[0] for x in urls]
        assert set(statuses) == {404, 429}
        assert statuses[-1] == 429
