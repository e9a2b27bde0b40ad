"""schemathesis gets no URL and no number that leads anywhere but to loopback."""

from __future__ import annotations

import json
import re

from bridge.testing.lab.openapi_check import openapi
from tests.fuzz.document import narrowed

NOBODY = "http://127.0.0.1:1/event"


def test_each_url_that_the_service_would_ask_is_on_loopback() -> None:
    document = narrowed(openapi(), NOBODY)
    bodies = json.dumps(
        [
            [document["components"]["schemas"][x] for x in REQUESTS],
            [x.get("requestBody") for item in document["paths"].values() for x in item.values()
             if isinstance(x, dict)],
        ]
    )  # fmt: skip
    assert set(re.findall(r"https?://[^\"]+", bodies)) == {NOBODY}
    for name in REQUESTS:
        properties = document["components"]["schemas"][name]["properties"]
        named = [x for x in properties if x.lower().endswith("url")]
        assert all(set(properties[x]["enum"]) <= {NOBODY, None} for x in named)


REQUESTS = [
    x
    for x in openapi()["components"]["schemas"]
    if x.startswith(("Create", "New")) or "Change" in x
]
