"""The link to the PBX is cut, mute or slow, or the PBX itself restarts: what an app sees of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from bridge.config.secrets_file import AMI_SECRET, ARI_SECRET
from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.sipp_behaviour import answers, rings
from tests.pbx.calls.live_calls import (
    extensions,
    public_call,
    statuses,
    wait_only_call,
    wait_statuses,
)
from tests.pbx.calls.proxied_lab import (
    PING_INTERVAL_S,
    PING_TIMEOUT_S,
    ProxiedLab,
    client_of,
    open_proxied_lab,
)
from tests.pbx.calls.records_on_disk import assert_ended_once, final_records

pytestmark = pytest.mark.asyncio(loop_scope="session")

# An accepted call without a channel is given up this long after its creation.
GRACE_S = 10


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def broken(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ProxiedLab]:
    async with open_proxied_lab(tmp_path_factory.mktemp("link")) as lab:
        yield lab


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab(broken: ProxiedLab) -> RunningLab:
    return broken.lab


@pytest_asyncio.fixture(loop_scope="session")
async def api(broken: ProxiedLab) -> AsyncIterator[ApiClient]:
    async with client_of(broken) as client:
        yield client


async def test_given_link_is_down_when_asked_then_writes_are_503_and_reads_say_how_old_they_are(
    broken: ProxiedLab, lab: RunningLab, api: ApiClient
) -> None:
    async with lab.scripted("0003*210", answers()) as alice:
        call_id = await api.place(["210"], ["3235550201"])
        talk = await wait_statuses(api, call_id, 5, 5)
        before = await api.request("GET", "/uapi/phoneCalls/@me/@self")
        assert "X-Stale-Since" not in before.headers

        cut_at = datetime.now(UTC)
        await broken.cut_for_good()

        create = await api.create(["210"], ["3235550201"])
        nobody_there = await api.create(["212"], ["3235550201"])
        one = await api.hang_up("210", call_id)
        everything = await api.hang_up()
        for answer in (create, nobody_there, one, everything):
            assert (answer.status, answer.code) == (503, "pbx_unavailable")
            assert int(answer.headers["Retry-After"]) >= 1
            assert answer.message
        for path in ("@self", "210", f"@self/{call_id}"):
            read = await api.request("GET", f"/uapi/phoneCalls/@me/{path}")
            assert read.status == 200
            assert [x["id"] for x in read.json["entry"]] == [talk["id"]]
            since = datetime.fromisoformat(read.headers["X-Stale-Since"])
            assert abs((since - cut_at).total_seconds()) < 3

        await broken.restore()

        after = await api.request("GET", "/uapi/phoneCalls/@me/@self")
        assert "X-Stale-Since" not in after.headers
        assert statuses(after.json["entry"][0]) == [5, 5]
        assert alice.incoming_invites == 1
        # The delete that was refused has not been remembered, and works now.
        assert (await api.hang_up("210", call_id)).json == [{"id": call_id}]
        assert (await api.wait_ended(call_id))["reason"] == "normal clearing"
        assert_ended_once(lab, call_id)


async def test_given_calls_end_or_go_on_unseen_when_link_is_back_then_each_is_told_right(
    broken: ProxiedLab, lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto") as alice,
        lab.phone("0003*211") as bob,
        lab.scripted("0003*212", answers()),
        lab.phone("0003*213") as dave,
    ):
        ends = await api.place(["210"], ["3235550201"])
        await wait_statuses(api, ends, 5, 5)
        answered_unseen = await api.place(["212"], ["211"])
        await wait_statuses(api, answered_unseen, 4, 3)
        await broken.cut_for_good()
        down_ms = int(time.time() * 1000)
        await alice.hangup()
        await alice.wait_closed()
        await bob.accept()
        await bob.wait_established()
        await dave.dial("3235550201")
        await dave.wait_established()

        await broken.restore()

        record = await api.wait_ended(ends)
        assert record["reason"] == "lost while disconnected"
        assert record["disposition"] == 0
        assert record["endedBy"] == "unknown"
        (final,) = final_records(lab, ends)
        assert final["not_before_ms"] <= down_ms + 1000
        assert final["not_before_ms"] <= final["at_ms"]
        assert "endedNotBefore" in record
        assert_ended_once(lab, ends)

        lives_on = await wait_statuses(api, answered_unseen, 5, 5)
        assert extensions(lives_on) == ["212", "211"]
        new = await wait_only_call(api, "213", lambda x: statuses(x) == [5, 5])
        assert new["phoneCallView"][0]["source"] == ["213"]
        for call_id, phone in ((answered_unseen, bob), (new["id"], dave)):
            assert (await api.hang_up("@self", call_id)).json == [{"id": call_id}]
            await phone.wait_closed()
            assert (await api.wait_ended(call_id))["endedBy"] == "api"
            assert_ended_once(lab, call_id)


async def test_given_link_is_mute_when_time_has_passed_then_it_is_noticed_and_heals(
    broken: ProxiedLab, lab: RunningLab, api: ApiClient
) -> None:
    call_id = await public_call(api)
    await wait_statuses(api, call_id, 5, 5)
    broken.ami.freeze_to_client()
    began = time.monotonic()
    await lab.bridge.wait_health(503)
    assert time.monotonic() - began < PING_INTERVAL_S + PING_TIMEOUT_S + 2
    assert (await public_create(api)).status == 503
    await broken.restore()
    assert statuses(await api.call(call_id)) == [5, 5]


async def public_create(api: ApiClient) -> Answer:
    return await api.create(["3235550202"], ["3235550201"], extension="210")


async def test_given_originate_never_reached_the_pbx_when_link_is_back_then_nothing_rings(
    broken: ProxiedLab, lab: RunningLab, api: ApiClient
) -> None:
    async with lab.scripted("0003*210", rings()) as alice:
        broken.ami.freeze_to_server()
        call_id = await api.place(["210"], ["3235550201"])
        await broken.ami.wait_held(b"Originate")
        await broken.cut_for_good()
        await broken.restore()
        record = await api.wait_ended(call_id, GRACE_S + 15)
        assert record["reason"] == "lost while disconnected"
        assert alice.incoming_invites == 0
        assert_ended_once(lab, call_id)


async def test_given_originate_was_placed_unconfirmed_when_link_is_back_then_it_is_one_call(
    broken: ProxiedLab, lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210") as alice:
        broken.ami.freeze_to_client()
        call_id = await api.place(["210"], ["3235550201"])
        await alice.wait_ringing()
        await broken.cut_for_good()
        await broken.restore()
        await wait_statuses(api, call_id, 3, 0)
        await alice.accept()
        await wait_statuses(api, call_id, 5, 5)
        await alice.hangup()
        record = await api.wait_ended(call_id)
        assert (record["disposition"], record["endedBy"]) == (0, "source")
        assert alice.incoming_invites == 1
        assert_ended_once(lab, call_id)


async def test_given_hang_up_unconfirmed_when_link_is_back_then_call_is_ended(
    broken: ProxiedLab, lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210") as alice:
        call_id = await api.place(["210"], ["3235550201"])
        await alice.wait_ringing()
        broken.ami.freeze_to_server()
        deleting = asyncio.create_task(api.hang_up("210", call_id))
        await broken.ami.wait_held(b"Hangup")
        await broken.cut_for_good()
        refused = await deleting
        assert (refused.status, refused.code) == (503, "pbx_unavailable")
        await broken.restore()
        # It was asked for, so it is done as soon as that is possible.
        await alice.wait_closed()
        record = await api.wait_ended(call_id)
        assert record["endedBy"] == "api"
        assert_ended_once(lab, call_id)


async def test_given_slow_link_when_deleted_right_after_202_then_no_phone_goes_on_ringing(
    broken: ProxiedLab, lab: RunningLab, api: ApiClient
) -> None:
    async with lab.scripted("0003*210", rings()) as alice:
        broken.ami.delay_s = 0.15
        for _ in range(3):
            call_id = await api.place(["210"], ["3235550201"])
            assert (await api.hang_up("210", call_id)).json == [{"id": call_id}]
            assert (await api.wait_ended(call_id))["endedBy"] == "api"
        for dialog in alice.log.dialogs:
            await alice.wait_closed(call=dialog)


async def test_given_asterisk_crashes_under_calls_when_it_is_back_then_all_recovers(
    broken: ProxiedLab, lab: RunningLab, api: ApiClient
) -> None:
    async with lab.scripted("0003*210", answers()), lab.scripted("0003*211", rings()):
        talks = await api.place(["210"], ["3235550201"])
        await wait_statuses(api, talks, 5, 5)
        other_side_rings = await api.place(["210"], ["211"])
        await wait_statuses(api, other_side_rings, 4, 3)

        await lab.asterisk.kill()
        await lab.bridge.wait_health(503)
        assert (await public_create(api)).status == 503
        await lab.asterisk.start()
        await lab.bridge.wait_ready()

        for call_id, disposition in ((talks, 0), (other_side_rings, 4)):
            record = await api.wait_ended(call_id)
            assert record["reason"] == "lost while disconnected"
            assert record["disposition"] == disposition
            assert_ended_once(lab, call_id)
    async with lab.phone("0003*212", answer="auto") as carol:
        call_id = await api.place(["212"], ["3235550202"])
        await wait_statuses(api, call_id, 5, 5)
        await carol.wait_tone(1000)
        await api.hang_up("212", call_id)


async def test_given_pbx_is_down_when_service_starts_then_it_reads_and_recovers(
    broken: ProxiedLab, lab: RunningLab, api: ApiClient
) -> None:
    call_id = await api.place(["3235550202"], ["3235550201"], extension="210")
    await wait_statuses(api, call_id, 5, 5)
    broken.ami.refuses = True
    await lab.bridge.kill()
    broken.ami.cut()
    await lab.bridge.start(wait_ready=False)
    await lab.bridge.wait_started()
    read = await api.request("GET", "/uapi/phoneCalls/@me/@self")
    assert [x["id"] for x in read.json["entry"]] == [call_id]
    assert "X-Stale-Since" in read.headers
    assert (await public_create(api)).status == 503
    assert (await api.hang_up("210", call_id)).status == 503
    await broken.restore()
    await wait_statuses(api, call_id, 5, 5)
    assert (await api.hang_up("210", call_id)).json == [{"id": call_id}]
    await api.wait_ended(call_id)
    assert_ended_once(lab, call_id)


async def test_given_all_these_faults_when_log_is_read_then_no_traceback_and_no_secret(
    lab: RunningLab, api: ApiClient
) -> None:
    log = lab.bridge.log_text()
    assert "Traceback" not in log
    for name in ("app/user-12", "sip/0003*210", AMI_SECRET, ARI_SECRET):
        assert lab.bridge.secret(name) not in log
    assert api.token is not None
    assert api.token not in log
