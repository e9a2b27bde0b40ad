"""A wrong argument of a phone fails at once, and the error names the right ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from bridge.testing.journal import Journal
from bridge.testing.phones_of_a_test import PhonesOfATest
from bridge.testing.system.system_under_test import NotOfThisSystem, SystemUnderTest


@pytest.fixture
def phones(tmp_path: Path) -> PhonesOfATest:
    secrets = tmp_path / "secrets.json"
    secrets.write_text('{"sip/0003*210": "a", "sip/0003*211": "b", "app/user-12": "c"}')
    system = SystemUnderTest("http://127.0.0.1:1", "127.0.0.1", 1, secrets)

    async def registered(_: str) -> None:
        raise AssertionError("no phone may start")

    return PhonesOfATest(system, Journal(), registered)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"answer": True}, "answer: True is none of manual, auto, reject_busy"),
        ({"transport": "sctp"}, "transport: 'sctp' is none of udp, tcp, tls, ws"),
    ],
)
async def test_given_an_unknown_word_then_the_error_lists_the_known(
    phones: PhonesOfATest, words: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ValueError, match=expected):
        await phones.softphone("0003*210", **words)


async def test_given_an_unknown_user_then_the_error_lists_those_with_a_secret(
    phones: PhonesOfATest,
) -> None:
    for made in (phones.softphone("210"), phones.scripted("210")):
        with pytest.raises(
            NotOfThisSystem, match=r"has no secret sip/210, but sip/0003\*210, sip/0003\*211$"
        ):
            await made


async def test_given_a_word_for_a_behaviour_then_the_error_says_where_behaviours_are(
    phones: PhonesOfATest,
) -> None:
    with pytest.raises(TypeError, match=r"'refuses' is no behaviour; take one of bridge\.testing"):
        await phones.scripted("0003*210", cast("Any", "refuses"))
