"""A call takes 1,000 markers and 200 fields of metadata; more are refused, and none is lost."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from multidict import MultiDict

from bridge.http.verba import attach_meta_data as metadata_module
from bridge.http.verba import markers as markers_module
from bridge.http.verba.attach_meta_data import attach_meta_data
from bridge.http.verba.errors import Code, VerbaError
from bridge.http.verba.markers import add_marker
from bridge.http.verba.parameters import Parameters
from bridge.recordings.conversation import Marker
from bridge.recordings.conversation_records import LimitReached


class Records:
    """The markers and metadata of one conversation."""

    def __init__(self) -> None:
        self.kept_markers: list[Marker] = []
        self.kept_metadata: dict[str, str] = {}

    async def add_marker(
        self, _: str, name: str, start_ms: int, end_ms: int | None, at_most: int
    ) -> bool:
        if len(self.kept_markers) >= at_most:
            raise LimitReached
        self.kept_markers.append(Marker(len(self.kept_markers) + 1, name, start_ms, end_ms))
        return True

    async def attach(self, _: str, values: Mapping[str, str], at_most: int) -> bool:
        if len(self.kept_metadata.keys() | values) > at_most:
            raise LimitReached
        self.kept_metadata.update(values)
        return True


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> Records:
    async def found(_: object) -> Any:
        return SimpleNamespace(conversation=SimpleNamespace(id="c1", ended_ms=1, started_ms=0))

    for module in (metadata_module, markers_module):
        monkeypatch.setattr(module, "find_conversation", found)
    return Records()


def request(records: Records, action: str, **parameters: str) -> Any:
    return SimpleNamespace(
        action=action,
        parameters=Parameters.from_pairs(MultiDict(parameters)),
        recordings=SimpleNamespace(records=records),
    )


async def test_given_1000_markers_when_one_more_is_added_then_it_is_refused(
    records: Records,
) -> None:
    for number in range(1000):
        await add_marker(request(records, "AddMarker", mname="m", mstart=str(number)))
    with pytest.raises(VerbaError) as refused:
        await add_marker(request(records, "AddMarker", mname="m", mstart="1000"))
    assert refused.value.code is Code.INVALID_PARAMETERS
    assert refused.value.message == "A call has at most 1000 markers."
    assert len(records.kept_markers) == 1000


async def test_given_200_fields_when_one_more_is_attached_then_it_is_refused_and_a_known_one_not(
    records: Records,
) -> None:
    for first in range(0, 200, 50):
        fields = {f"f{x}": "1" for x in range(first, first + 50)}
        await attach_meta_data(request(records, "AttachMetaData", **fields))
    with pytest.raises(VerbaError) as refused:
        await attach_meta_data(request(records, "AttachMetaData", f0="2", f200="2"))
    assert refused.value.code is Code.INVALID_PARAMETERS
    assert refused.value.message == "A call has at most 200 fields of metadata."
    assert records.kept_metadata["f0"] == "1"  # nothing half done
    await attach_meta_data(request(records, "AttachMetaData", f0="2"))
    assert len(records.kept_metadata) == 200
    assert records.kept_metadata["f0"] == "2"
