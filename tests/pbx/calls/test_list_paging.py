"""GET as a collection: envelope, pages, filters, fields, order.

The sources are docs/reference/uapi.md §1.4, §5.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from tests.pbx.calls.live_calls import public_call, wait_no_calls

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATH = "/uapi/phoneCalls/@me/210"


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def quiet_public_network() -> None:
    """In place of the one for all tests: here the public network's calls live for the module."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def five(lab: RunningLab) -> AsyncIterator[list[str]]:
    """The ids of five calls in the order of their creation."""
    async with lab.client() as api:
        await wait_no_calls(api)
        ids = [await public_call(api) for _ in range(5)]
        yield ids
        await api.hang_up()


@pytest_asyncio.fixture(loop_scope="session")
async def reader(lab: RunningLab) -> AsyncIterator[ApiClient]:
    """Reads only: the calls live as long as the module."""
    async with lab.client() as client:
        yield client


async def test_given_more_calls_than_a_page_when_links_are_followed_then_all_come_once(
    reader: ApiClient, five: list[str]
) -> None:
    first = await reader.request("GET", PATH + "/", params={"count": "2", "fields": "id"})
    body = first.json
    assert (body["totalResults"], body["itemsPerPage"], body["startIndex"]) == (5, 2, 0)
    assert "prev" not in body["paging"]
    pages = [first]
    while "next" in pages[-1].json["paging"]:
        pages.append(await reader.request("GET", pages[-1].json["paging"]["next"]))
    assert [[x["id"] for x in page.json["entry"]] for page in pages] == [
        five[:2],
        five[2:4],
        five[4:],
    ]
    assert [set(x) for page in pages for x in page.json["entry"]] == [{"id"}] * 5
    back = await reader.request("GET", pages[-1].json["paging"]["prev"])
    assert back.json == pages[1].json


async def test_given_no_parameters_when_listed_then_envelope_has_the_default_page(
    reader: ApiClient, five: list[str]
) -> None:
    body = (await reader.request("GET", PATH)).json
    assert (body["totalResults"], body["itemsPerPage"], body["startIndex"]) == (5, 20, 0)
    assert "paging" not in body
    assert [x["id"] for x in body["entry"]] == five


@pytest.mark.parametrize("order", ["desc", "descending", "DESC"])
async def test_given_descending_order_when_listed_then_newest_call_is_first(
    reader: ApiClient, five: list[str], order: str
) -> None:
    assert [x["id"] for x in await reader.calls("210", sortOrder=order)] == five[::-1]


@pytest.mark.parametrize("order", ["asc", "ascending"])
async def test_given_ascending_order_when_listed_then_oldest_call_is_first(
    reader: ApiClient, five: list[str], order: str
) -> None:
    assert [x["id"] for x in await reader.calls("210", sortOrder=order)] == five


async def test_given_start_beyond_the_end_when_listed_then_page_is_empty_and_total_stays(
    reader: ApiClient, five: list[str]
) -> None:
    body = (await reader.request("GET", PATH, params={"startIndex": "7", "count": "3"})).json
    assert (body["entry"], body["totalResults"]) == ([], 5)


@pytest.mark.parametrize(
    ("op", "cut", "found"),
    [
        ("equals", slice(None), [2]),
        ("startsWith", slice(0, 12), [2]),
        ("contains", slice(4, 16), [2]),
        ("present", slice(0, 0), [0, 1, 2, 3, 4]),
    ],
)
async def test_given_filter_by_id_when_listed_then_matching_calls_come(
    reader: ApiClient, five: list[str], op: str, cut: slice, found: list[int]
) -> None:
    listed = await reader.calls("210", filterBy="id", filterOp=op, filterValue=five[2][cut])
    assert [x["id"] for x in listed] == [five[x] for x in found]


async def test_given_filter_without_operation_when_listed_then_it_means_equals(
    reader: ApiClient, five: list[str]
) -> None:
    listed = await reader.calls("210", filterBy="id", filterValue=five[3])
    assert [x["id"] for x in listed] == [five[3]]


async def test_given_in_array_filter_when_listed_then_all_in_it_come(
    reader: ApiClient, five: list[str]
) -> None:
    listed = await reader.calls(
        "210", filterBy="id", filterOp="inArray", filterValue=f"{five[4]}, {five[1]}"
    )
    assert [x["id"] for x in listed] == [five[1], five[4]]


async def test_given_filter_by_published_when_written_in_another_zone_then_moments_are_compared(
    reader: ApiClient, five: list[str]
) -> None:
    async def count(op: str, value: str) -> int:
        return len(await reader.calls("210", filterBy="published", filterOp=op, filterValue=value))

    published = (await reader.calls("210", "", fields="published"))[0]["published"]
    assert await count("greaterThan", "2020-01-01T00:00:00Z") == 5
    assert await count("lessThan", "2020-01-01T00:00:00Z") == 0
    # Later by the letters, hours earlier by the clock.
    ahead = published[:-1] + "+14:00"
    assert await count("greaterThan", ahead) == 5
    assert await count("lessThan", ahead) == 0
    assert await count("equals", published) >= 1
    assert await count("equals", published[:-1] + "+00:00") >= 1


async def test_given_fields_when_listed_then_only_these_come(
    reader: ApiClient, five: list[str]
) -> None:
    listed = await reader.calls("210", fields="id, answered,phoneCallView", sortOrder="ascending")
    assert all(set(x) <= {"id", "answered", "phoneCallView"} for x in listed)
    assert [x["id"] for x in listed] == five


async def test_given_unknown_parameters_when_listed_then_they_are_ignored(
    reader: ApiClient, five: list[str]
) -> None:
    assert len(await reader.calls("210", sortOder="nonsense", method="get", foo="")) == 5


async def test_given_query_of_a_real_client_when_listed_then_its_call_comes(
    reader: ApiClient, five: list[str]
) -> None:
    query = (
        f"?count=5&filterBy=id&filterOp=equals&filterValue={five[0]}"
        "&fields=id%2Canswered&startIndex=0&sortOrder=descending"
    )
    answer = await reader.request("GET", f"/uapi/phoneCalls/@me/@self/{five[0]}/{query}")
    assert answer.status == 200
    assert [x["id"] for x in answer.json["entry"]] == [five[0]]
    assert (answer.json["totalResults"], answer.json["itemsPerPage"]) == (1, 5)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"count": "0"}, "count_invalid"),
        ({"count": "5001"}, "count_invalid"),
        ({"count": "ten"}, "count_invalid"),
        ({"count": ""}, "count_invalid"),
        ({"count": "٣"}, "count_invalid"),
        ({"startIndex": "-1"}, "startindex_invalid"),
        ({"startIndex": "5001"}, "startindex_invalid"),
        ({"sortOrder": "up"}, "sortorder_invalid"),
        ({"fields": "id,foo"}, "fields_invalid"),
        ({"filterBy": "nonce", "filterValue": "x"}, "filterby_invalid"),
        ({"filterBy": "id", "filterOp": "like", "filterValue": "x"}, "filterop_invalid"),
        ({"filterOp": "like"}, "filterop_invalid"),
        ({"filterBy": "id"}, "filtervalue_invalid"),
        ({"filterBy": "published", "filterValue": "yesterday"}, "filtervalue_invalid"),
        (
            {"filterBy": "published", "filterOp": "inArray", "filterValue": "2020-01-01,x"},
            "filtervalue_invalid",
        ),
        (
            {"filterBy": "id", "filterOp": "inArray", "filterValue": ",".join("x" * 101)},
            "filtervalue_invalid",
        ),
        ({"ended": "maybe"}, "ended_invalid"),
    ],
)
async def test_given_invalid_parameter_when_listed_then_its_code_is_answered(
    reader: ApiClient, query: dict[str, str], code: str
) -> None:
    answer = await reader.request("GET", PATH, params=query)
    assert (answer.status, answer.code) == (400, code)
    assert next(iter(query)) in answer.message or "filter" in answer.message


async def test_given_ended_or_unknown_id_when_listed_then_entry_is_empty(
    reader: ApiClient, five: list[str]
) -> None:
    for call_id in ("0" * 20, "b817", "%00", "a" * 300, "'; DROP TABLE calls; --"):
        answer = await reader.request("GET", f"{PATH}/{call_id}")
        assert (answer.status, answer.json["entry"]) == (200, []), call_id
        assert answer.json["totalResults"] == 0
