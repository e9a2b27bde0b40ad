"""Which conversations are meant: the criteria that storage understands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

# The fields that `equal` and `order_by` of a SearchOrder may name.
EQUAL_FIELDS = frozenset(
    {
        "ccdr_id",
        "platform_call_id",
        "native_id",
        "meeting_id",
        "source_caller_id",
        "source_name",
        "destination_caller_id",
        "destination_name",
    }
)
ORDER_FIELDS = EQUAL_FIELDS | {"start_time", "end_time"}


class Progress(Enum):
    """Whether conversations are still going on."""

    ONGOING = "ongoing"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Selection:
    """All that are given must hold. `numbers`: the calling or the called number is among them;
    `organization` is the one that the asker is confined to: it pays or one of its extensions talks.
    `also_marked`: include conversations that are marked for deletion.
    """

    conversation_id: str | None = None
    platform_call_id: str | None = None
    native_id: str | None = None
    meeting_id: str | None = None
    numbers: frozenset[str] = frozenset()
    progress: Progress | None = None
    organization: str | None = None
    also_marked: bool = False


@dataclass(frozen=True, slots=True)
class SearchOrder:
    """A search: started in [from_ms, until_ms]; `any_number` and `any_name` are parts of a party's
    number or name, any of them suffices. `equal` are fields that must have that value.
    """

    from_ms: int | None = None
    until_ms: int | None = None
    progress: Progress = Progress.FINISHED
    organization: str | None = None
    any_number: tuple[str, ...] = ()
    any_name: tuple[str, ...] = ()
    equal: Mapping[str, str] = field(default_factory=dict)
    order_by: str = "start_time"
    descending: bool = False
    offset: int = 0
    limit: int = 100
