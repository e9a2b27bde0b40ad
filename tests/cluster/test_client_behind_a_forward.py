"""What a holder sees of a client that asked another instance, and what that client sees."""

from __future__ import annotations

import json
from pathlib import Path

import aiohttp

from tests.cluster.several_instances import several_instances

PHONE, PUBLIC = "210", "3235742879"
LIST = f"/uapi/phoneCalls/@me/{PHONE}"


async def test_the_client_and_not_the_instance_counts(tmp_path: Path, postgresql_url: str) -> None:
    async with several_instances(
        tmp_path,
        postgresql_url,
        names=("a", "b", "c"),
        requests_per_minute_max=50,
        http_connections_max=40,
        http_connections_per_address_max=20,
    ) as several:
        await several.hold("one", "a")
        at_b = await several.client("b")
        await at_b.authenticate()
        # Its id, its limits and its links are those of one service.
        given = {"X-Request-Id": "mine-1", "Connection": "X-Private", "X-Private": "of this hop"}
        listed = await at_b.request("GET", LIST, headers=given)
        assert listed.headers["X-Request-Id"] == "mine-1"
        assert listed.headers["RateLimit"].count("requests-of-app") == 1
        assert "X-Bridge-Forward" not in listed.headers
        created = await at_b.create(["5354353"], [PUBLIC], extension=PHONE)
        limits = created.headers["RateLimit"]
        assert limits.count("requests-of-app") == 1
        assert "calls-of-extension" in limits
        # Counted where the client came, and nowhere else.
        left = int(limits.split('"requests-of-app";r=')[1].split(";")[0].split(",")[0])
        assert left == 50 - 2
        assert several.instances["a"].remotes == ["127.0.0.1"] * 2
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(local_addr=("127.0.0.9", 0))
        ) as http:
            token = {"Authorization": f"Bearer {at_b.token}"}
            async with http.get(several.base_url("b") + LIST, headers=token) as answer:
                assert json.loads(await answer.text())["entry"]
        assert several.instances["a"].remotes[-1] == "127.0.0.9"
