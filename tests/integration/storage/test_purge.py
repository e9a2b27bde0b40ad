"""One round of purging: what fails leaves out none of the others."""

from __future__ import annotations

from structlog.testing import capture_logs

from bridge.faults import StorageUnavailable
from bridge.storage.purge import purge_each


async def test_given_a_purge_that_fails_then_the_others_are_done() -> None:
    done: list[str] = []

    async def works() -> None:
        done.append("works")

    async def is_down() -> None:
        raise StorageUnavailable("by the test")

    async def is_wrong() -> None:
        raise ValueError("by the test")

    with capture_logs() as lines:
        await purge_each({"a": is_down, "b": works, "c": is_wrong, "d": works})
    assert done == ["works", "works"]
    assert [(x["event"], x["work"], x["log_level"]) for x in lines] == [
        ("purge_put_off", "a", "warning"),
        ("purge_failed", "c", "error"),
    ]
