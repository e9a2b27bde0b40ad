"""GET /uapi/cdr: the requests of real clients, the errors, and the examples of the page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bridge.testing.lab.api_client import ApiClient

from .refusals import RINGS_FOR_EVER

pytestmark = pytest.mark.asyncio(loop_scope="session")

DOC = Path(__file__).parents[3] / "docs" / "call-records.md"


@pytest_asyncio.fixture(loop_scope="session")
async def cancelled(api: ApiClient) -> str:
    """The id of a call of 210 to a public number, which was hung up while the source rang."""
    call_id = await api.place([RINGS_FOR_EVER], ["3235550201"], extension="210")
    await api.wait_call(call_id, lambda call: "ringing" in call["phoneCallView"][0])
    await api.hang_up("210", call_id)
    await api.wait_ended(call_id)
    return call_id


async def records(api: ApiClient, path: str = "", **query: str) -> Any:
    answer = await api.request("GET", f"/uapi/cdr{path}", params=query)
    assert answer.status == 200, answer.text
    return answer.json


@pytest.mark.parametrize("path", ["", "/", "/12/", "/@me"])
async def test_given_an_ended_call_when_listed_then_entry_is_an_object_by_call_id(
    api: ApiClient, cancelled: str, path: str
) -> None:
    answer = await records(api, path, count="1", sortOrder="descending")
    assert list(answer["entry"]) == [cancelled]
    record = answer["entry"][cancelled]
    assert record["published"].endswith("Z")
    [view] = record["phoneCallView"]
    assert view["destination"] == "3235550201"
    assert (view["source"], view["flow"], view["duration"]) == (RINGS_FOR_EVER, 4, 0)
    assert view["disposition"] == 3
    incoming, outgoing = answer["phoneCallStat"]
    assert incoming["total"] + outgoing["total"] == answer["totalResults"]
    assert outgoing["unanswered"] >= 1


async def test_given_the_request_of_the_vendors_client_when_sent_then_it_is_understood(
    api: ApiClient, cancelled: str
) -> None:
    answer = await api.request(
        "GET",
        f"/uapi/cdr/12/?count=20&source={RINGS_FOR_EVER}&destination=3235550201"
        "&startDate=2020-11-27T17%3A10%3A27&endDate=2099-11-27T17%3A10%3A27"
        "&saveStartDate=2020-11-27T17%3A10%3A27%2B02%3A00&saveEndDate=2099-11-27T17%3A10%3A27"
        "&disposition=3&flow=4&startIndex=0&fields=id,source,destination,disposition,answered"
        "&sortOrder=descending",
    )
    assert answer.status == 200, answer.text
    assert "X-Ignored-Parameters" not in answer.headers
    record = answer.json["entry"][cancelled]
    view = {"id": "01", "source": RINGS_FOR_EVER, "destination": "3235550201", "disposition": 3}
    assert record == {"id": cancelled, "disposition": 3, "phoneCallView": [view]}


@pytest.mark.parametrize(
    "query",
    [
        {"source": "3235550201"},
        {"destination": "210"},
        {"startDate": "2099-01-01T00:00:00"},
        {"endDate": "2020-01-01T00:00:00+02:00"},
        {"saveStartDate": "2099-01-01T00:00:00Z"},
        {"saveEndDate": "2020-01-01"},
        {"disposition": "5"},
        {"flow": "8"},
        {"filterBy": "answered", "filterOp": "present"},
        {"filterBy": "source", "filterValue": "211"},
    ],
)
async def test_given_a_filter_that_does_not_fit_when_listed_then_the_call_is_not_there(
    api: ApiClient, cancelled: str, query: dict[str, str]
) -> None:
    answer = await records(api, "/@me", filterBy="id", filterValue=cancelled)
    assert list(answer["entry"]) == [cancelled]
    answer = await records(api, "/@me", count="5000", **query)
    assert cancelled not in answer["entry"]


async def test_given_several_pages_when_next_is_followed_then_each_call_comes_once(
    api: ApiClient, cancelled: str
) -> None:
    again = await api.place([RINGS_FOR_EVER], ["3235550201"], extension="210")
    await api.hang_up("210", again)
    await api.wait_ended(again)
    answer = await records(api, "/12", count="1")
    found = list(answer["entry"])
    while "next" in answer.get("paging", {}):
        answer = (await api.request("GET", answer["paging"]["next"])).json
        found += answer["entry"]
    assert len(found) == len(set(found)) == answer["totalResults"]
    assert {cancelled, again} <= set(found)


async def test_given_another_user_when_listed_then_the_call_is_not_theirs(
    api: ApiClient, cancelled: str
) -> None:
    refused = await api.request("GET", "/uapi/cdr/13")
    assert (refused.status, refused.code) == (400, "user_invalid")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("source=x", "cdr_source_invalid"),
        ("destination=0003*", "cdr_destination_invalid"),
        ("startDate=yesterday", "cdr_startdate_invalid"),
        ("endDate=1.1.2020", "cdr_enddate_invalid"),
        ("saveStartDate=x", "cdr_savestartdate_invalid"),
        ("saveEndDate=x", "cdr_saveenddate_invalid"),
        ("disposition=6", "cdr_disposition_invalid"),
        ("flow=in", "cdr_flow_invalid"),
        ("count=0", "count_invalid"),
        ("startIndex=1000001", "startindex_invalid"),
        ("sortOrder=up", "sortorder_invalid"),
        ("fields=none", "fields_invalid"),
        ("filterBy=flow", "filterby_invalid"),
        ("filterBy=source&filterOp=contains&filterValue=2", "filterop_invalid"),
        ("filterOp=like", "filterop_invalid"),
        ("filterBy=source&filterValue=x", "filtervalue_invalid"),
    ],
)
async def test_given_a_wrong_parameter_when_listed_then_its_code_is_answered(
    api: ApiClient, query: str, code: str
) -> None:
    for path in ("/uapi/cdr", "/uapi/cdr/stats/12"):
        answer = await api.request("GET", f"{path}?{query}")
        if answer.status != 200:
            assert (answer.status, answer.code) == (400, code)
        else:  # the sums have no fields
            assert (path, code) == ("/uapi/cdr/stats/12", "fields_invalid")


@pytest.mark.parametrize("path", ["/stats", "/stats/", "/stats/12", "/stats/@me/"])
async def test_sums(api: ApiClient, cancelled: str, path: str) -> None:
    answer = await records(api, path, source=RINGS_FOR_EVER)
    incoming, outgoing = answer["entry"]
    assert (incoming["type"], incoming["total"]) == (0, 0)
    assert (outgoing["type"], outgoing["answered"]) == (1, 0)
    assert outgoing["unanswered"] >= 1


async def test_the_examples_of_the_page_are_answered(api: ApiClient) -> None:
    paths = re.findall(r"^    GET (/\S+)", DOC.read_text(), re.MULTILINE)
    assert len(paths) >= 3
    for path in paths:
        answer = await api.request("GET", path)
        assert answer.status == 200, (path, answer.text)
        assert "X-Ignored-Parameters" not in answer.headers, path
