"""What a stranger can make the edge do: no node, and no service, is needed for that."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import ClientSession, ClientWebSocketResponse, TCPConnector

from bridge.testing.eventually import eventually
from bridge.testing.softphones.plain_phone import PlainPhone
from bridge.testing.softphones.raw_sip import RawSip, request, status
from tests.integration.storage.private_postgresql import PrivatePostgresql

from .lab.edge_alone import NODE, PASSWORD, challenged, edge_alone, proved
from .lab.kamailio import KamailioEdge

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAME = "elsewhere.invalid"
ALICE, BOB, BROWSER = "0003*210", "0003*211", "0003*215-web"
GUESSES_MAX, ADDRESS_GUESSES_MAX = 5, 30
STRANGER_S = 2
INSTANCE, OTHER = "127.0.0.61", "127.0.0.62"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(
    tmp_path_factory: pytest.TempPathFactory, postgresql: PrivatePostgresql
) -> AsyncIterator[KamailioEdge]:
    settings = {
        "EDGE_STRANGER_S": str(STRANGER_S),
        "EDGE_GUESSES_MAX": str(GUESSES_MAX),
        "EDGE_ADDRESS_GUESSES_MAX": str(ADDRESS_GUESSES_MAX),
        "EDGE_INSTANCES": INSTANCE,
        "EDGE_NUMBER": "0",  # more of its queries are used so
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


async def test_given_a_phone_that_names_another_address_then_the_edge_sends_nothing_there(
    edge: KamailioEdge,
) -> None:
    """Neither by an alias of its own in its contact, nor by a Record-Route that a node obeys."""
    own = f"<sip:{edge.address[0]}:{edge.address[1]};lr>"
    with UdpPeer(*NODE) as node, UdpPeer("127.0.0.98") as victim, UdpPeer("127.0.0.92") as phone:
        routes = f"Route: {own}\r\n"
        text = request("INVITE", "210", sender=f"<sip:{ALICE}@127.0.0.1>", more=routes)
        text = text.replace("sip:210@127.0.0.1 ", f"sip:210@{node.at} ")
        text = text.replace("To: <sip:210@127.0.0.1>", "To: <sip:210@127.0.0.1>;tag=x1")
        text = text.replace("@127.0.0.1:5999>", f"@127.0.0.1:5999;{victim.alias}>")
        phone.send(text, edge.address)
        contact = (await node.received("INVITE")).partition("\r\nContact: ")[2].split("\r\n")[0]
        assert contact.count("alias=") == 1
        assert phone.alias in contact

        routes += f"Route: <sip:{victim.at};lr>\r\n"
        text = request("BYE", "210", sender="<sip:210@127.0.0.1>", more=routes)
        text = text.replace("sip:210@127.0.0.1 ", f"sip:210@127.0.0.1:5999;{phone.alias} ")
        text = text.replace("To: <sip:210@127.0.0.1>", "To: <sip:210@127.0.0.1>;tag=x1")
        node.send(text, edge.address)
        assert "alias=" not in (await phone.received("BYE"))
        assert victim.got_nothing()


async def test_given_a_port_of_a_node_that_is_not_sip_then_the_edge_sends_nothing_there(
    edge: KamailioEdge,
) -> None:
    with UdpPeer(NODE[0]) as other, RawSip(edge.address, "127.0.0.92") as stranger:
        routes = f"Route: <sip:{edge.address[0]}:{edge.address[1]};lr>\r\n"
        text = request("BYE", "210", sender=f"<sip:{ALICE}@127.0.0.1>", more=routes)
        text = text.replace("sip:210@127.0.0.1 ", f"sip:210@{other.at} ")
        text = text.replace("To: <sip:210@127.0.0.1>", "To: <sip:210@127.0.0.1>;tag=x1")
        assert await stranger.status(text) == 403
        assert other.got_nothing()


@pytest.mark.parametrize("method", ["INVITE", "NOTIFY"])
async def test_given_a_quote_in_a_number_then_it_ends_no_text_of_a_query(
    edge: KamailioEdge, method: str
) -> None:
    with UdpPeer(*NODE) as node:
        node.send(request(method, "x'210", sender="<sip:210@127.0.0.1>"), edge.address)
        assert status(await node.received("SIP/2.0")) == 420
    assert "cannot do the query" not in edge.log_text()


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


@pytest.mark.parametrize(("address", "others_are_heard"), [(INSTANCE, True), (OTHER, False)])
async def test_given_a_browser_that_guesses_then_others_behind_its_instance_are_answered(
    edge: KamailioEdge, address: str, others_are_heard: bool
) -> None:
    """Only an instance of the service has many browsers behind its address, and limits them."""
    numbers = [ALICE] * (GUESSES_MAX + 1)  # the next one would get no answer
    numbers += [f"0003*{number}-web" for number in range(400, 400 + ADDRESS_GUESSES_MAX)]
    async with (
        web_socket(edge, address) as guesser,
        web_socket(edge, address) as other,
    ):
        assert await guesses(guesser, numbers, 4) == ADDRESS_GUESSES_MAX + 1
        if others_are_heard:
            assert (
                await other.status(proved(ALICE, await challenged(other, ALICE), PASSWORD)) == 200
            )
        else:
            assert await guesses(other, [BOB]) == 0


class WebSip:
    """SIP over one WebSocket, as an instance passes it on."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket

    async def status(self, text: str) -> int:
        return status(await self.response(text))

    async def response(self, text: str) -> str:
        """The first final response to this request."""
        call_id = next(x for x in text.split("\r\n") if x.startswith("Call-ID:"))
        await self._socket.send_str(text.replace("SIP/2.0/UDP", "SIP/2.0/WS"))
        while True:
            answer = await self._socket.receive_str()
            if call_id in answer and status(answer) >= 200:
                return answer


@contextlib.asynccontextmanager
async def web_socket(edge: KamailioEdge, address: str) -> AsyncIterator[WebSip]:
    """From this address of ours."""
    host, port = edge.address
    async with (
        ClientSession(connector=TCPConnector(local_addr=(address, 0))) as session,
        session.ws_connect(f"ws://{host}:{port}/", protocols=("sip",)) as socket,
    ):
        yield WebSip(socket)


class UdpPeer:
    """A UDP socket that sends and hears SIP. Use as ``with``."""

    def __init__(self, address: str, port: int = 0) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((address, port))

    def __enter__(self) -> UdpPeer:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    @property
    def at(self) -> str:
        return ":".join(map(str, self._socket.getsockname()))

    @property
    def alias(self) -> str:
        """As the edge writes it into a contact."""
        host, port = self._socket.getsockname()
        return f"alias={host}~{port}~1"

    def send(self, text: str, to: tuple[str, int]) -> None:
        self._socket.sendto(text.encode(), to)

    async def received(self, method: str) -> str:
        """The next request of that method."""
        async with asyncio.timeout(10):
            while True:
                heard = (await asyncio.get_running_loop().sock_recv(self._socket, 65_535)).decode()
                if heard.startswith(f"{method} "):
                    return heard

    def got_nothing(self) -> bool:
        try:
            self._socket.recv(65_535)
        except BlockingIOError:
            return True
        return False


async def guesses(sender: RawSip | WebSip, numbers: list[str], limit_s: float = 2) -> int:
    """How many were looked at: one for each number, until there is no answer within `limit_s`."""
    looked_at = 0
    with contextlib.suppress(TimeoutError):
        for number in numbers:
            async with asyncio.timeout(limit_s):
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


async def test_given_tls_then_as_many_phones_may_come_by_it(edge: KamailioEdge) -> None:
    """Kamailio has a limit of its own for those: 2,048 unless it is told."""
    listed = await edge.control("core.tcp_info")
    limits = [
        listed.partition(f"{x}:")[2].split()[0] for x in ("max_connections", "max_tls_connections")
    ]
    assert limits == ["20000", "20000"]


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
