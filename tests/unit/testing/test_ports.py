"""Ports of test runs that are under way at the same time."""

from __future__ import annotations

import pytest

from bridge.testing.softphones.ports import own_share


def test_given_two_runs_with_workers_when_they_take_ports_then_they_share_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def share(run: str, worker: str, workers: str) -> list[int]:
        monkeypatch.setenv("UAPI_TEST_RUN", run)
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
        monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", workers)
        return own_share(range(1000, 1040))

    shares = [share("1/2", f"gw{x}", "3") for x in range(3)] + [share("2/2", "gw0", "1")]
    assert sorted(port for ports in shares for port in ports) == list(range(1000, 1040))
    assert [len(ports) for ports in shares] == [7, 7, 6, 20]
