"""SearchCalls: the conversations that match, page by page."""

from __future__ import annotations

from bridge.http.verba.answer import Answer, Element
from bridge.http.verba.errors import invalid
from bridge.http.verba.parameters import Parameters
from bridge.http.verba.request import VerbaRequest
from bridge.http.verba.verbacdr import verbacdr
from bridge.recordings.selection import EQUAL_FIELDS, ORDER_FIELDS, Progress, SearchOrder

_STATUS = {"ongoing": Progress.ONGOING, "recorded": Progress.FINISHED}
_MAX_OFFSET = 10**9


async def search_calls(request: VerbaRequest) -> Answer:
    order = _order(request, request.services.settings.verba_search_rows_max)
    with_metadata = request.parameters.flag("returnMetadata")
    records = request.recordings.records
    rows = [
        verbacdr(x, await records.metadata(x.conversation.id) if with_metadata else None)
        for x in await records.search(order)
    ]
    listed = Element("verbacdrlist", "", {"rowcount": str(len(rows))}, tuple(rows))
    return Answer(request.action, children=(listed,))


def _order(request: VerbaRequest, most: int) -> SearchOrder:
    parameters = request.parameters
    from_ms = parameters.moment("start")
    if from_ms is None:
        raise invalid("Parameter start is missing.")
    status = parameters.get("status") or "recorded"
    if status not in _STATUS:
        raise invalid("Parameter status must be ongoing or recorded.")
    direction = (parameters.get("order") or "asc").lower()
    if direction not in ("asc", "desc"):
        raise invalid("Parameter order must be asc or desc.")
    order_by = parameters.get("orderby") or "start_time"
    if order_by not in ORDER_FIELDS:
        raise invalid(f"Parameter orderby must be one of {', '.join(sorted(ORDER_FIELDS))}.")
    limit = parameters.number("pagelen", 1, most)
    return SearchOrder(
        from_ms=from_ms,
        until_ms=parameters.moment("end"),
        progress=_STATUS[status],
        organization=request.organization,
        any_number=parameters.every("anynum"),
        any_name=parameters.every("anyname"),
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
                raise invalid(f"There is no filter for {field}.")
            filters[field] = parameters.required(name)
    return filters
