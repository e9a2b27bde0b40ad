"""docs/requests.md: what its table says is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bridge.testing.lab.api_client import ApiClient

from .refusals import RINGS_FOR_EVER

pytestmark = pytest.mark.asyncio(loop_scope="session")

DOC = Path(__file__).parents[3] / "docs" / "requests.md"
QUERY = re.compile(r"`([A-Za-z_\[\]]+=[^`]+)`")


def table() -> list[tuple[str, str]]:
    rows = [x.split("|")[1:3] for x in DOC.read_text().splitlines() if x.startswith("| `")]
    return [(sent.strip(), answer.strip()) for sent, answer in rows]


def query_rows() -> list[tuple[str, str]]:
    return [
        (query, re.findall(r"`([a-z_]+)`", answer)[0])
        for sent, answer in table()
        for query in QUERY.findall(sent)
    ]


@pytest.mark.parametrize(("query", "code"), query_rows())
async def test_given_a_query_of_the_table_when_created_then_its_code_is_answered(
    api: ApiClient, query: str, code: str
) -> None:
    views = [{"source": [RINGS_FOR_EVER], "destination": ["3235550201"]}]
    body = {"extension": "210", "phoneCallView": views}
    answer = await api.request("POST", f"/uapi/phoneCalls/@me/simple?{query}", body=body)
    assert (answer.status, answer.code) == (400, code)


async def test_given_the_delete_of_the_table_when_sent_then_its_code_is_answered(
    api: ApiClient,
) -> None:
    [(sent, answer)] = [x for x in table() if x[0].startswith("`DELETE")]
    query = sent.strip("`").partition("?")[2]
    refused = await api.request("DELETE", f"/uapi/phoneCalls/@me/@self?{query}")
    assert refused.status == 400
    assert answer.startswith(f"`{refused.code}`")


async def test_the_table_has_rows() -> None:
    assert len(query_rows()) == 4
