"""The order in which workers take test files: a long one that comes last is waited for by all."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

# Half a minute or more, with few tests. By the number of their tests, as xdist sorts, they would
# come last.
LONG_FILES = {
    "test_bench_pieces.py",
    "test_bench_runs.py",
    "test_chaos.py",
    "test_check_pbx.py",
    "test_connections.py",
    "test_database_down_at_start.py",
    "test_database_hangs.py",
    "test_delete_many.py",
    "test_edge_faults.py",
    "test_fresh_clone.py",
    "test_full_disk.py",
    "test_kill.py",
    "test_lease_faults.py",
    "test_limits_of_calls.py",
    "test_long_run.py",
    "test_monitoring.py",
    "test_office.py",
    "test_receiver_down_for_a_minute.py",
    "test_receiving_events.py",
    "test_reference_page.py",
    "test_scale.py",
    "test_schemathesis.py",
    "test_thousands_of_phones.py",
    "test_throughput.py",
    "test_token_lifetime.py",
    "test_vanished_phones.py",
    "test_webhook_shards.py",
    "test_whole_cluster_faults.py",
}


def put_long_files_first(items: list[pytest.Item]) -> None:
    """Then those with many tests; the tests of a file stay together and in order."""
    tests = Counter(item.path for item in items)

    def rank(item: pytest.Item) -> tuple[bool, int, Path]:
        return item.path.name not in LONG_FILES, -tests[item.path], item.path

    items.sort(key=rank)
