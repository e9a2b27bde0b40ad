"""Phones that register at the edge are phones of every node, and nobody else is."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.plain_ami import PlainAmi
from bridge.testing.softphones.lamp_phone import LampPhone
from bridge.testing.softphones.plain_phone import PlainPhone
from bridge.testing.softphones.plain_transport import TransportName
from bridge.testing.softphones.raw_sip import RawSip, request
from bridge.testing.softphones.softphone import Softphone

from .lab.cluster import Cluster, ring
from .phone_behind_nat import PhoneBehindNat

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def _no_call_is_left(cluster: Cluster) -> AsyncIterator[None]:
    yield
    for node in cluster.nodes:
        async with cluster.ami(node) as ami:

            async def none(ami: PlainAmi = ami) -> bool:
                return await ami.channels() == []

            try:
                await eventually(none)
            finally:  # what a test that failed leaves is not the next one's fault
                for channel in await ami.channels():
                    await ami.action("Hangup", Channel=channel["Channel"])


ALICE, DESK, BOB = "0003*210", "0003*211", "0003*212"
TRANSPORTS = pytest.mark.parametrize("transport", ["udp", "tcp", "tls", "ws", "wss"])


async def all_talk(cluster: Cluster, channels: int) -> None:
    """Until so many channels of the first node are in talk: only then one may transfer another."""
    async with cluster.ami(cluster.nodes[0]) as ami:

        async def talk() -> bool:
            return sum(bool(x["BridgeId"]) for x in await ami.channels()) == channels

        await eventually(talk)


async def channels_are(first: PlainAmi, second: PlainAmi, wanted: tuple[int, int]) -> None:
    """Until the two nodes have so many; a failure tells which they have."""
    seen: list[list[str]] = []

    async def are() -> bool:
        seen[:] = [[str(x) for x in await ami.channels()] for ami in (first, second)]
        return tuple(map(len, seen)) == wanted

    await eventually(are, why=lambda: seen)


async def ended(phone: PlainPhone) -> None:
    await phone.free()
    phone.forget_calls()


@TRANSPORTS
async def test_given_a_registered_phone_then_each_node_rings_it_and_ends_the_call(
    cluster: Cluster, transport: TransportName
) -> None:
    async with cluster.phone(ALICE, transport) as phone:
        for node in cluster.nodes:
            async with cluster.ami(node) as ami:
                await ring(ami, ALICE)
                call = await phone.ringing()
                await call.accept()
                await call.acknowledged.wait()
                await call.hold()
                await call.hold(resumed=True)
                [channel] = await ami.channels()
                assert channel["Uniqueid"].startswith(f"{node.name}-")
                await ami.action("Hangup", Channel=channel["Channel"])
                await ended(phone)


@TRANSPORTS
async def test_given_a_call_through_the_edge_when_transferred_blind_then_the_third_talks(
    cluster: Cluster, transport: TransportName
) -> None:
    async with (
        cluster.phone(ALICE, transport) as alice,
        cluster.phone(DESK, transport) as desk,
        cluster.phone(BOB) as bob,
    ):
        desk.answers_after_s = bob.answers_after_s = 0.0
        call = await alice.dial(DESK)
        await call.answered.wait()
        await all_talk(cluster, 2)
        assert await desk.calls[0].refer(BOB) == 202
        await eventually(lambda: bool(bob.calls) and bob.calls[0].answered.is_set())
        await asyncio.wait_for(desk.calls[0].transferred.wait(), 5)
        await desk.calls[0].hang_up()
        await call.hang_up()
        await ended(bob)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_given_a_phone_behind_nat_then_it_calls_and_is_called_and_hears(
    cluster: Cluster, transport: TransportName
) -> None:
    phone = PhoneBehindNat(ALICE, cluster.secret(ALICE), cluster.edge.address, transport)
    await phone.start()
    try:
        own = await phone.dial("00")
        await own.answered.wait()
        await phone.hears()
        await own.hold()
        await own.hang_up()
        async with cluster.ami(cluster.nodes[1]) as ami:
            await ring(ami, ALICE)
            call = await phone.ringing()
            await call.accept()
            await call.acknowledged.wait()
            await phone.hears()
            [channel] = await ami.channels()
            await ami.action("Hangup", Channel=channel["Channel"])
            await ended(phone)
        if transport == "udp":
            async with asyncio.timeout(10):
                await phone.kept_alive.wait()
        await phone.register(0)
    finally:
        await phone.stop()


async def test_given_two_calls_when_joined_by_an_attended_transfer_then_the_others_talk(
    cluster: Cluster,
) -> None:
    async with (
        cluster.phone(ALICE) as alice,
        cluster.phone(DESK, "tcp") as desk,
        cluster.phone(BOB) as bob,
    ):
        desk.answers_after_s = bob.answers_after_s = 0.0
        first, second = await alice.dial(DESK), await alice.dial(BOB)
        await asyncio.gather(first.answered.wait(), second.answered.wait())
        await all_talk(cluster, 4)
        assert await first.refer_to(second) == 202
        await asyncio.wait_for(first.transferred.wait(), 5)
        assert not desk.calls[0].over.is_set()
        await desk.calls[0].hang_up()
        await ended(bob)


async def test_given_a_ringing_phone_when_the_caller_gives_up_then_it_stops(
    cluster: Cluster,
) -> None:
    async with cluster.phone(ALICE) as alice, cluster.phone(DESK) as desk:
        call = await alice.dial(DESK)
        await desk.ringing()
        await asyncio.sleep(4.5)  # longer than the edge waits for a first answer
        assert desk.calls[0].waits
        await call.hang_up()
        await ended(desk)


async def test_given_a_phone_that_came_back_from_another_port_when_busy_then_at_once(
    cluster: Cluster,
) -> None:
    async with (
        cluster.phone(ALICE) as alice,
        cluster.phone(DESK),  # as good as gone, once the next has its number
        cluster.phone(DESK) as again,
    ):
        again.refuses_with = 486
        call = await alice.dial(DESK)
        await asyncio.wait_for(call.over.wait(), 20)
        assert call.final == 486  # 408 if the edge had waited for the other


async def test_given_two_devices_of_a_number_when_called_then_both_ring_and_one_answers(
    cluster: Cluster,
) -> None:
    await cluster.run("UPDATE edge.subscriber SET devices = 2 WHERE username = :n", n=DESK)
    async with (
        cluster.phone(ALICE) as alice,
        cluster.phone(DESK) as desk,
        cluster.phone(DESK, "tcp") as pocket,
    ):
        call = await alice.dial(DESK)
        await asyncio.gather(desk.ringing(), pocket.ringing())
        await pocket.calls[0].accept()
        await asyncio.wait_for(desk.calls[0].over.wait(), 5)
        await call.answered.wait()
        await call.hang_up()
        await ended(pocket)
    await cluster.run("UPDATE edge.subscriber SET devices = 1 WHERE username = :n", n=DESK)


async def test_given_a_phone_that_asks_for_its_lamp_then_its_own_node_tells_it(
    cluster: Cluster,
) -> None:
    lamp = LampPhone(ALICE, cluster.secret(ALICE), cluster.edge.address)
    await lamp.start()
    try:
        assert await lamp.subscribe() == 200
        await lamp.wait_lamp(new=0)
        await lamp.register(0)
    finally:
        await lamp.stop()


async def test_given_a_call_of_a_phone_then_it_is_one_call_with_the_dialled_number(
    cluster: Cluster,
) -> None:
    async with (
        cluster.nodes[0].service.client() as api,
        cluster.phone(ALICE) as alice,
        cluster.phone(DESK) as desk,
    ):
        desk.answers_after_s = 0.0
        call = await alice.dial("211")
        await call.answered.wait()
        await eventually(lambda: bool(desk.calls))
        [seen] = await api.calls("210")
        assert seen["phoneCallView"][0]["destination"] == ["211"]
        await call.hang_up()
        await ended(desk)


async def test_given_a_phone_of_another_node_when_called_then_the_call_is_on_one_node(
    cluster: Cluster,
) -> None:
    await cluster.place("0004", "node2")
    other = "0004*210"
    async with (
        cluster.phone(ALICE) as alice,
        cluster.phone(other) as phone,
        cluster.ami(cluster.nodes[0]) as first,
        cluster.ami(cluster.nodes[1]) as second,
    ):
        call = await alice.dial(other)
        await (await phone.ringing()).accept()
        await call.answered.wait()
        await channels_are(first, second, (2, 0))
        assert len({x["Linkedid"] for x in await first.channels()}) == 1
        await call.hang_up()
        await ended(phone)

        own = await phone.dial("00")
        await own.answered.wait()
        await channels_are(first, second, (0, 1))
        await own.hang_up()


async def test_given_a_real_softphone_over_tcp_when_an_app_calls_it_then_both_talk(
    cluster: Cluster,
) -> None:
    host, port = cluster.edge.address
    softphone = Softphone(
        ALICE, cluster.secret(ALICE), server=host, port=port, transport="tcp", answer="auto"
    )
    async with softphone, cluster.phone(DESK) as desk, cluster.nodes[0].service.client() as api:
        desk.answers_after_s = 0.0
        call_id = await api.place("210", "211")
        await api.wait_status(call_id, 5)
        [presence] = (await api.request("GET", "/uapi/extensions/@me/210/presence")).json["entry"]
        assert "baresip" in presence["registration"][0]["agent"]
        assert presence["registration"][0]["address"].startswith("127.0.0.1:")
        await api.hang_up("210", call_id)
        await ended(desk)


async def test_given_nobody_registered_when_called_then_unreachable_at_once(
    cluster: Cluster,
) -> None:
    async with cluster.phone(ALICE) as alice, cluster.nodes[0].service.client() as api:
        before = await unavailable(api)
        call = await alice.dial(BOB)
        await asyncio.wait_for(call.over.wait(), 20)

        async def unavailable_too() -> bool:
            return await unavailable(api) > before

        await eventually(unavailable_too)  # and not: no answer, as if a phone had been waited for
        refused = await api.create("212", "210")
        assert (refused.status, refused.code) == (400, "pc_source_invalid")


async def unavailable(api: ApiClient) -> int:
    """How many calls have ended so."""
    ended = await api.ended_calls("210")
    return sum(x["reason"] == "unavailable" for x in ended)


# ---- who is not let in ---------------------------------------------------------------


async def test_given_a_wrong_password_then_it_does_not_register(cluster: Cluster) -> None:
    phone = PlainPhone(ALICE, "wrong", cluster.edge.address)
    await phone.open()
    assert (await phone.register()).status == 401
    await phone.stop()


async def test_given_the_password_of_one_when_registering_as_another_then_403(
    cluster: Cluster,
) -> None:
    phone = PlainPhone(ALICE, cluster.secret(ALICE), cluster.edge.address)
    await phone.open()
    other = phone.outside("")
    other.local = other.local.replace("*210", "*211")
    other.remote = other.remote.replace("*210", "*211")
    assert (await phone.request("REGISTER", other, more="Expires: 600\r\n")).status == 403
    await phone.stop()


@pytest.mark.parametrize("spelling", ["0003*211", "0003%2A211", "0003%2A210", "trunk", "edge"])
async def test_given_the_number_of_another_in_from_then_the_call_is_refused(
    cluster: Cluster, spelling: str
) -> None:
    async with cluster.phone(ALICE) as alice:
        call = alice.outside("00")
        call.local = call.local.replace(ALICE, spelling)
        answer = await alice.request("INVITE", call, body=alice.sdp())
        assert answer.status == 403


@pytest.mark.parametrize("sender", [ALICE, "edge", "trunk"])
async def test_given_a_stranger_at_a_node_then_nobody_is_believed(
    cluster: Cluster, sender: str
) -> None:
    node = cluster.nodes[0]
    host, port = node.sip
    for address in ("127.0.0.1", "127.0.0.90"):
        with RawSip((host, port), address) as stranger:
            for method, number in (("INVITE", "0003*00"), ("REGISTER", ALICE)):
                refused = request(method, number, sender=f"<sip:{sender}@{host}>")
                assert await stranger.status(refused) in (401, 403)
    async with cluster.ami(node) as ami:
        assert await ami.channels() == []


@pytest.mark.parametrize(
    "method", ["INVITE", "REFER", "MESSAGE", "SUBSCRIBE", "BYE", "REGISTER", "PUBLISH"]
)
async def test_given_a_forged_request_in_a_dialog_then_the_node_knows_none_of_it(
    cluster: Cluster, method: str
) -> None:
    edge, node = cluster.edge.address, cluster.nodes[0].sip
    elsewhere = ("127.0.0.91", 5999)
    for target, status in ((node, 481), (elsewhere, 403)):
        routes = (
            f"Route: <sip:{edge[0]}:{edge[1]};lr>\r\nRoute: <sip:{target[0]}:{target[1]};lr>\r\n"
        )
        if method == "REFER":
            routes += f"Refer-To: <sip:{DESK}@{edge[0]}>\r\n"
        if method in ("SUBSCRIBE", "PUBLISH"):
            routes += "Event: message-summary\r\n"
        text = request(method, "0003*00", sender=f"<sip:{ALICE}@{edge[0]}>", more=routes)
        text = re.sub("\r\nTo: (<[^>]*>)", "\r\nTo: \\1;tag=x1", text)
        refused = 405 if method in ("REGISTER", "PUBLISH") else status
        with RawSip(edge, "127.0.0.92") as stranger:
            assert await stranger.status(text) == refused


async def test_given_a_number_that_left_the_directory_then_its_phone_is_forgotten(
    cluster: Cluster,
) -> None:
    async with cluster.phone("0003*215") as phone:
        await cluster.run("DELETE FROM edge.subscriber WHERE username = :n", n="0003*215")

        async def gone() -> bool:
            query = "SELECT 1 FROM edge.location WHERE username = :n"
            return not await cluster.rows(query, n="0003*215")

        await eventually(gone, 15)
        assert (await phone.register()).status == 401
        async with cluster.ami(cluster.nodes[0]) as ami:
            await ring(ami, "0003*215")
            answer = await ami.wait_for(lambda x: x["Event"] == "OriginateResponse")
            assert answer["Response"] == "Failure"
        assert phone.calls == []
