"""`video` decides whether the sources' SDP offers video."""

from __future__ import annotations

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("sources", [["210"], ["210", "211"]], ids=["direct", "forked"])
@pytest.mark.parametrize(
    ("query", "offered"),
    [({}, False), ({"video": "false"}, False), ({"video": "0"}, False), ({"video": "true"}, True)],
    ids=str,
)
async def test_given_video_when_the_sources_ring_then_their_sdp_offers_it_or_not(
    lab: RunningLab, api: ApiClient, sources: list[str], query: dict[str, str], offered: bool
) -> None:
    async with lab.phone("0003*210") as first, lab.phone("0003*211") as second:
        phones = [first, second][: len(sources)]
        call_id = await api.place(sources, ["3235550201"], extension="210", **query)

        calls = [await phone.wait_ringing() for phone in phones]

        assert [call.offered_video for call in calls] == [offered] * len(calls)
        assert [call.invite.media_port("audio") != 0 for call in calls] == [True] * len(calls)
        await first.accept()
        await api.wait_status(call_id, 5)
        assert [phone.incoming_invites for phone in phones] == [1] * len(phones)
