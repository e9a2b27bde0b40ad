"""With `--cluster-long`: the stories that test_restart_as_takeover.py leaves out.

Two are told otherwise, as the instance that died may still dial: a call of which no channel is on
disk waits for one (tests/cluster/test_takeover.py).
"""

from __future__ import annotations

import pytest

from bridge.testing.lab.running_lab import RunningLab
from tests.pbx.calls.test_restart_of_service import (  # noqa: F401 - pytest finds them here
    test_given_blind_transfer_while_service_is_dead_when_it_is_back_then_one_view_per_party,
    test_given_call_of_api_when_service_is_killed_then_it_is_the_same_and_delete_ends_it,
    test_given_call_rings_when_service_is_killed_then_phones_go_on_and_record_is_right,
    test_given_delete_of_a_call_without_channel_when_answered_then_it_is_gone_within_moments,
    test_given_one_phone_has_refused_when_service_is_killed_then_its_view_still_says_so,
    test_given_phone_holds_when_service_is_killed_then_it_still_holds_and_resumes,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_given_all_these_takeovers_when_logs_are_read_then_there_is_no_traceback(
    lab: RunningLab,
) -> None:
    assert "Traceback" not in lab.bridge.log_text()
    assert lab.bridge.log_lines("error") == []
