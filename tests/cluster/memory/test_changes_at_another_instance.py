"""A change at one instance counts at the others: tokens, subscriptions, the directory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from bridge.cluster.shared_directory import SharedDirectory
from bridge.cluster.shared_secrets import SharedSecrets
from bridge.directory.loader import EXAMPLE_FILE
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from tests.cluster.several_instances import Several, several_instances
from tests.integration.storage.private_postgresql import PrivatePostgresql
from tests.scripted_ami.server import event

PHONE = "0003*210"
EVENTS = "/uapi/extensions/@me/210/phoneCallEvents"
HANG_UP = 2
LIMIT, KEYS = 3, 5


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def several(
    tmp_path_factory: pytest.TempPathFactory, postgresql: PrivatePostgresql
) -> AsyncIterator[Several]:
    async with several_instances(
        tmp_path_factory.mktemp("several"),
        postgresql.new_database(),
        events_private_targets=True,
        events_per_extension_max=LIMIT,
    ) as several:
        await several.hold("one", "a")
        yield several


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def no_subscriptions(several: Several) -> None:
    api = await several.client("a")
    assert (await api.request("DELETE", EVENTS)).status in (200, 204)


async def subscribe(api: ApiClient, **more: object) -> str:
    body = {"type": HANG_UP, "url": "http://127.0.0.1:8999/events", "method": 1, **more}
    answer = await api.request("POST", EVENTS, body=body)
    assert answer.status == 200, answer.text
    return str(answer.json["id"])


def shown(several: Several, name: str, subscription_id: str) -> Any:
    return several.instances[name].events.find(subscription_id)


async def hung_up(several: Several, api: ApiClient) -> None:
    """A call of the extension, which the PBX refuses."""
    call_id = await api.place([PHONE], ["3235742879"], extension="210")
    sent = several.amis["one"].actions("Originate")[-1]
    await several.amis["one"].send(
        event(
            "OriginateResponse",
            ActionID=sent.value("ActionID"),
            Response="Failure",
            Reason=5,
            Uniqueid="<unknown>",
        )
    )

    async def ended() -> bool:
        return not await api.calls("210", call_id)

    await eventually(ended)


async def written(several: Several, name: str, subscription_id: str) -> int:
    events = several.instances[name].events
    subscription = events.find(subscription_id)
    assert subscription is not None
    found, _ = await events.deliveries(subscription, start=0, count=9, newest_first=True)
    return len(found)


async def test_given_a_subscription_made_elsewhere_when_a_call_ends_then_its_event_is_made(
    several: Several,
) -> None:
    at_a, at_b = await several.client("a"), await several.client("b")
    made = await subscribe(at_b)
    await hung_up(several, at_a)
    assert await eventually(lambda: written(several, "a", made)) == 1
    path = f"{EVENTS}/{HANG_UP}/{made}"
    disabled = await at_b.request("PUT", path, body={"status": 0})
    assert disabled.status == 200, disabled.text
    assert not several.instances["a"].events.is_in_force(made)
    await hung_up(several, at_a)
    assert await written(several, "a", made) == 1
    assert (await at_b.request("DELETE", path)).status in (200, 204)
    assert shown(several, "a", made) is None


async def test_given_changes_at_both_at_once_then_neither_undoes_the_other(
    several: Several,
) -> None:
    at_a, at_b = await several.client("a"), await several.client("b")
    made = await subscribe(at_a)
    path = f"{EVENTS}/{HANG_UP}/{made}"
    for number in range(5):
        url, note = f"http://127.0.0.1:8999/{number}", f"note {number}"
        answers = await asyncio.gather(
            at_a.request("PUT", path, body={"url": url}),
            at_b.request("PUT", path, body={"note": note}),
        )
        assert [x.status for x in answers] == [200, 200], [x.text for x in answers]
        for name in ("a", "b"):
            await several.instances[name].memory.reader.catch_up()
            found = shown(several, name, made)
            assert (found.url, found.note) == (url, note)


async def test_given_subscriptions_made_at_both_at_once_then_the_limit_holds(
    several: Several,
) -> None:
    clients = [await several.client("a"), await several.client("b")]
    body = {"type": HANG_UP, "url": "http://127.0.0.1:8999/events", "method": 1}
    answers = await asyncio.gather(
        *(api.request("POST", EVENTS, body=body) for api in clients for _ in range(LIMIT))
    )
    assert sorted(x.status for x in answers)[:LIMIT] == [200] * LIMIT
    assert sum(x.status == 200 for x in answers) == LIMIT
    for name in ("a", "b"):
        assert len(several.instances[name].events.of_extension(PHONE)) == LIMIT


async def test_given_a_token_of_one_then_it_counts_at_the_other_until_it_is_ended(
    several: Several,
) -> None:
    at_a, at_b = await several.client("a"), await several.client("b")
    at_b.token = await at_a.authenticate()
    assert (await at_b.request("GET", EVENTS)).status == 200
    await several.instances["a"].tokens.end(at_b.token)

    async def refused() -> bool:
        return (await at_b.request("GET", EVENTS)).status == 401

    await eventually(refused, timeout=3)
    at_b.token = "x" * 43
    assert await refused()


async def test_given_a_clock_that_is_two_hours_ahead_then_tokens_count_all_the_same(
    several: Several, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_a, at_b = await several.client("a"), await several.client("b")
    at_b.token = await at_a.authenticate()
    right_ns = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: right_ns() + 2 * 3600 * 10**9)
    assert (await at_b.request("GET", EVENTS)).status == 200
    at_b.token = ""
    assert (await at_b.request("GET", EVENTS)).status == 200
    monkeypatch.undo()
    assert (await at_b.request("GET", EVENTS)).status == 200


async def test_given_a_pushed_directory_then_all_instances_use_it(several: Several) -> None:
    url = several.settings["a"].resolved_database_url
    hashes = {x.directory.hash for x in several.instances.values()}
    assert len(hashes) == 1
    content = f"{EXAMPLE_FILE.read_text()}\n# another one\n"
    await asyncio.to_thread(SharedDirectory(url).push, content)

    def all_use_it() -> bool:
        used = {x.directory.hash for x in several.instances.values()}
        return len(used) == 1 and not used & hashes

    await eventually(all_use_it, timeout=10)


async def test_given_a_secret_replaced_then_all_instances_take_it(several: Several) -> None:
    def known() -> set[str]:
        services = several.instances.values()
        return {x.directory.directory.apps["user-12"].client_secret for x in services}

    before = known()
    assert len(before) == 1
    secrets = several.instances["a"].secrets
    assert isinstance(secrets, SharedSecrets)
    await asyncio.to_thread(secrets.rotate, ["app/user-12"])
    await eventually(lambda: len(known()) == 1 and not known() & before, timeout=10)


async def test_given_a_secret_of_an_app_when_replaced_at_both_then_each_tells_the_newest(
    several: Several,
) -> None:
    kept: list[str] = []
    for name, another in (("a", "b"), ("b", "a")):
        api = await several.client(name)
        answer = await api.request("POST", "/uapi/phoneCalls/@me/statusSecret", body={})
        assert answer.status == 200, answer.text
        secret = answer.headers["X-Event-Secret"]
        receivers = several.instances[another].events.call_receivers
        assert receivers.known_secret("user-12") == secret
        kept.append(secret)
    assert kept[0] != kept[1]


async def test_given_the_same_key_at_both_then_one_call_also_after_a_takeover(
    several: Several,
) -> None:
    clients = [await several.client("a"), await several.client("b")]
    before = several.originates("one")

    async def at_both(key: str) -> list[str]:
        answers = await asyncio.gather(
            *(
                x.create([PHONE], ["3235742879"], extension="210", headers={"Idempotency-Key": key})
                for x in clients
            )
        )
        assert [x.status for x in answers] == [202, 202], [x.text for x in answers]
        replayed = sorted(x.headers.get("Idempotent-Replayed", "") for x in answers)
        made = {str(x.json[0]["id"]) for x in answers}
        assert len(made) == 1
        return [*made, *replayed]

    keys = [f"key {number}" for number in range(KEYS)]
    first = [await at_both(x) for x in keys]
    assert [x[1:] for x in first] == [["", "true"]] * KEYS
    await several.instances["a"].end_node("one")
    await several.hold("one", "b")
    assert [await at_both(x) for x in keys] == [[x[0], "true", "true"] for x in first]
    assert several.originates("one") == before + KEYS


async def test_given_an_instance_that_cannot_be_told_then_it_finds_the_change_by_itself(
    several: Several,
) -> None:
    at_b = await several.client("b")
    several.relays["a"].freeze_to_server()
    try:
        made = await asyncio.wait_for(subscribe(at_b), 5)  # it waits for 1 s at most
        await eventually(lambda: shown(several, "a", made), timeout=5)
    finally:
        several.relays["a"].thaw()
