"""Stories of tests/pbx/calls/test_restart_of_service.py: the killed service does not come back, and
another instance takes its PBX over. The others are in test_more_restarts_as_takeover.py."""

from __future__ import annotations

import pytest

from bridge.testing.lab.running_lab import RunningLab
from tests.pbx.calls.test_restart_of_service import (  # noqa: F401 - pytest finds them here
    test_given_attended_transfer_while_service_is_dead_when_back_then_one_view_per_party,
    test_given_call_ends_while_service_is_dead_when_it_is_back_then_record_has_the_window,
    test_given_delete_before_the_channel_when_service_is_killed_then_the_call_still_ends,
    test_given_phone_dialled_and_trunk_calls_when_service_is_killed_then_ids_stay,
    test_given_stop_by_signal_when_calls_live_then_they_go_on_and_are_known_afterwards,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_given_all_these_takeovers_when_logs_are_read_then_there_is_no_traceback(
    lab: RunningLab,
) -> None:
    assert "Traceback" not in lab.bridge.log_text()
    assert lab.bridge.log_lines("error") == []
