"""SearchCalls: the conversations that match, page by page."""

from __future__ import annotations

from bridge.http.verba.answer import Element, VerbaAnswer
from bridge.http.verba.errors import invalid_parameter
from bridge.http.verba.parameters import Parameters
from bridge.http.verba.request import VerbaRequest
from bridge.http.verba.verbacdr import verbacdr
from bridge.recordings.selection import EQUAL_FIELDS, ORDER_FIELDS, Progress, SearchOrder
from bridge.supervision.fair_share import in_turns

_STATUS = {"ongoing": Progress.ONGOING, "recorded": Progress.FINISHED}
_MAX_OFFSET = 10**9
_MAX_PARTS = 20  # each is looked for in every conversation of that time


async def search_calls(request: VerbaRequest) -> VerbaAnswer:
    """`SearchCalls`: conversations that match the given fields."""
    order = _order(request, request.services.settings.verba.search_rows_max)
    with_metadata = request.parameters.flag("returnMetadata")
    records = request.recordings.records
    found = await records.search(order)
    ids = [x.conversation.id for x in found] if with_metadata else []
    metadata = await records.metadata_of(ids) if ids else {}
    rows = await in_turns(found, lambda x: verbacdr(x, metadata.get(x.conversation.id)))
    listed = Element("verbacdrlist", "", {"rowcount": str(len(rows))}, tuple(rows))
    # Both known clients look for the number on the root, too (docs/reference/verba.md §4).
    return VerbaAnswer(request.action, children=(listed,), root_attributes=listed.attributes)


def _order(request: VerbaRequest, most: int) -> SearchOrder:
    parameters = request.parameters
    from_ms = parameters.moment("start")
    if from_ms is None:
        raise invalid_parameter("Parameter start is missing.")
    status = parameters.get("status") or "recorded"
    if status not in _STATUS:
        raise invalid_parameter("Parameter status must be ongoing or recorded.")
    direction = (parameters.get("order") or "asc").lower()
    if direction not in ("asc", "desc"):
        raise invalid_parameter("Parameter order must be asc or desc.")
    order_by = parameters.get("orderby") or "start_time"
    if order_by not in ORDER_FIELDS:
        raise invalid_parameter(
            f"Parameter orderby must be one of {', '.join(sorted(ORDER_FIELDS))}."
        )
    limit = parameters.number("pagelen", 1, most)
    return SearchOrder(
        from_ms=from_ms,
        until_ms=parameters.moment("end"),
        progress=_STATUS[status],
        organization=request.organization,
        any_number=parameters.every("anynum", _MAX_PARTS),
        any_name=parameters.every("anyname", _MAX_PARTS),
        equal=_filters(parameters),
        order_by=order_by,
        descending=direction == "desc",
        offset=parameters.number("pagefirst", 0, _MAX_OFFSET) or 0,
        limit=min(limit or 100, most),
    )


def _filters(parameters: Parameters) -> dict[str, str]:
    filters: dict[str, str] = {}
    for name in parameters.names():
        if name.startswith("f_"):
            field = name.removeprefix("f_")
            if field not in EQUAL_FIELDS:
                raise invalid_parameter(f"There is no filter for {field}.")
            filters[field] = parameters.required(name)
    return filters
