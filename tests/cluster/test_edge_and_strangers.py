"""What a stranger can make the edge do: no node, and no service, is needed for that."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.testing.eventually import eventually
from bridge.testing.softphones.plain_phone import PlainPhone
from bridge.testing.softphones.raw_sip import RawSip, request
from tests.integration.storage.private_postgresql import PrivatePostgresql

from .lab.edge_alone import PASSWORD, challenged, edge_alone, proved
from .lab.kamailio import KamailioEdge

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAME = "elsewhere.invalid"
ALICE, BOB, BROWSER = "0003*210", "0003*211", "0003*215-web"
GUESSES_MAX, ADDRESS_GUESSES_MAX = 5, 30
STRANGER_S = 2


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(
    tmp_path_factory: pytest.TempPathFactory, postgresql: PrivatePostgresql
) -> AsyncIterator[KamailioEdge]:
    settings = {
        "EDGE_STRANGER_S": str(STRANGER_S),
        "EDGE_GUESSES_MAX": str(GUESSES_MAX),
        "EDGE_ADDRESS_GUESSES_MAX": str(ADDRESS_GUESSES_MAX),
    }
    numbers = {ALICE: 0, BOB: int(time.time()) + 600, BROWSER: 1}
    folder = tmp_path_factory.mktemp("short")
    async with edge_alone(folder, postgresql, numbers, settings) as made:
        yield made


async def test_given_a_host_name_in_a_forged_dialog_then_the_edge_looks_no_name_up(
    edge: KamailioEdge,
) -> None:
    """Each worker of the edge would wait for the answer, and the name may mean a node just once."""
    host, port = edge.address
    for method in ("INVITE", "BYE"):
        routes = f"Route: <sip:{host}:{port};lr>\r\nRoute: <sip:{NAME};lr>\r\n"
        forged = request(method, "210", sender=f"<sip:{ALICE}@127.0.0.1>", more=routes)
        forged = forged.replace("To: <sip:210@127.0.0.1>", "To: <sip:210@127.0.0.1>;tag=x1")
        with RawSip(edge.address, "127.0.0.92") as stranger:
            assert await stranger.status(forged) == 403
    assert NAME not in edge.log_text()


async def test_given_guesses_with_the_address_of_another_then_that_one_is_still_answered(
    edge: KamailioEdge,
) -> None:
    """A sender of forged packets hears no answer, so it needs a nonce of an address of its own."""
    with RawSip(edge.address, "127.0.0.92") as stranger, RawSip(edge.address, "127.0.0.93") as she:
        for _ in range(GUESSES_MAX + 5):
            challenge = await challenged(stranger, ALICE)
            assert await she.status(proved(ALICE, challenge, "wrong")) == 401
        assert await she.status(proved(ALICE, await challenged(she, ALICE), PASSWORD)) == 200


async def test_given_a_phone_with_an_old_password_then_others_behind_its_address_sign_in(
    edge: KamailioEdge,
) -> None:
    with RawSip(edge.address, "127.0.0.94") as nat:
        assert await guesses(nat, [ALICE] * (GUESSES_MAX + 5)) == GUESSES_MAX + 1
        assert await nat.status(proved(BOB, await challenged(nat, BOB), PASSWORD)) == 200


async def test_given_a_password_whose_time_is_over_then_it_is_good_for_nothing(
    edge: KamailioEdge,
) -> None:
    with RawSip(edge.address, "127.0.0.97") as page:
        for method, refused in (("REGISTER", 401), ("INVITE", 407)):
            challenge = await challenged(page, BROWSER, method)
            assert await page.status(proved(BROWSER, challenge, PASSWORD, method)) == refused


async def test_given_guesses_for_many_numbers_then_their_address_gets_no_answer(
    edge: KamailioEdge,
) -> None:
    numbers = [f"0003*{number}" for number in range(300, 300 + ADDRESS_GUESSES_MAX + 5)]
    with RawSip(edge.address, "127.0.0.95") as stranger:
        assert await guesses(stranger, numbers) == ADDRESS_GUESSES_MAX + 1
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await challenged(stranger, BOB)


async def guesses(sender: RawSip, numbers: list[str]) -> int:
    """How many of them were looked at: one for each number, until there is no answer."""
    looked_at = 0
    with contextlib.suppress(TimeoutError):
        for number in numbers:
            async with asyncio.timeout(2):
                challenge = await challenged(sender, number)
                assert await sender.status(proved(number, challenge, "wrong")) == 401
            looked_at += 1
    return looked_at


@pytest.mark.parametrize("method", ["REGISTER", "INVITE"])
async def test_given_a_proof_that_somebody_overheard_then_it_counts_once(
    edge: KamailioEdge, method: str
) -> None:
    with RawSip(edge.address, "127.0.0.96") as phone, RawSip(edge.address, "127.0.0.96") as thief:
        challenge = await challenged(phone, ALICE, method)
        overheard = proved(ALICE, challenge, PASSWORD, method)
        # An INVITE is taken as well: there is no node, which the edge may not know yet.
        assert await phone.status(overheard) in {"REGISTER": (200,), "INVITE": (408, 503)}[method]
        again = overheard.replace("branch=z9hG4bK", "branch=z9hG4bKagain")
        again = again.replace("Call-ID: ", "Call-ID: again")
        assert await thief.status(again) in (401, 407)


async def test_given_an_idle_connection_then_it_lives_on_only_where_a_phone_signed_in(
    edge: KamailioEdge,
) -> None:
    strangers = [await asyncio.open_connection(*edge.address) for _ in range(2)]
    strangers[1][1].write(b"\r\n\r\n")
    phones = [PlainPhone(ALICE, PASSWORD, edge.address, x) for x in ("tcp", "ws")]
    for phone in phones:
        await phone.start()
    for reader, writer in strangers:
        async with asyncio.timeout(4 * STRANGER_S + 5):
            assert await reader.read() in (b"", b"\r\n")
        writer.close()
        await writer.wait_closed()

    assert await connections(edge) == len(phones)
    for phone in phones:
        await phone.register(0)
        await phone.stop()
    await eventually(lambda: none_is_open(edge))


async def connections(edge: KamailioEdge) -> int:
    listed = await edge.control("core.tcp_info")
    return int(listed.partition("opened_connections:")[2].split()[0])


async def none_is_open(edge: KamailioEdge) -> bool:
    return await connections(edge) == 0
