"""Files `*.flow.yaml` as tests of pytest. The plugin registers this module."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from bridge.flows.reading import ReadFlow
    from bridge.testing.journal import Journal
    from bridge.testing.observed_api import ObservedApi
    from bridge.testing.phones_of_a_test import PhonesOfATest

SUFFIX = ".flow.yaml"

# The modules of flows are imported when a file is collected: the plugin loads nothing before.


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Each flow is one test, with the fixtures of the kit."""
    if not file_path.name.endswith(SUFFIX):
        return None
    found: FlowFile = FlowFile.from_parent(parent, path=file_path)
    return found


class FlowFile(pytest.Module):
    """A file with one flow. It stands for a module of Python with one test."""

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """The one test. Raises CollectError with each fault of the file."""
        from bridge.flows.reading import WrongFlow, read_flow_file

        try:
            read = read_flow_file(self.path)
        except WrongFlow as why:
            raise self.CollectError(str(why)) from None
        name = re.sub(r"\W+", "_", self.path.name.removesuffix(SUFFIX))
        self.obj = ModuleType(name)
        setattr(self.obj, f"test_{name}", _test_of(read))
        return super().collect()


def _test_of(read: ReadFlow) -> Callable[..., Awaitable[None]]:
    @pytest.mark.asyncio
    async def test(
        uapi_api: ObservedApi, uapi_phones: PhonesOfATest, uapi_journal: Journal
    ) -> None:
        from bridge.testing.flows.kit_stage import KitStage
        from bridge.testing.flows.running import FlowFailed, run_flow

        failure = ""
        try:
            await run_flow(read, KitStage(uapi_api, uapi_journal, uapi_phones))
        except FlowFailed as why:
            failure = str(why)
        if failure:  # outside of `except`, or pytest tells both
            pytest.fail(failure, pytrace=False)

    return test
