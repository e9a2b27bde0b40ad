"""The header `Prefer`, as RFC 7240 §2 has it."""

from __future__ import annotations

import time

import pytest

from bridge.http.preferences import handling_preferred


@pytest.mark.parametrize(
    ("lines", "handling"),
    [
        ([], None),
        ([""], None),
        (["handling=strict"], "strict"),
        (["handling=lenient"], "lenient"),
        (["Handling=STRICT"], "strict"),
        (['handling = "strict"'], "strict"),
        ([r'handling="str\ict"'], "strict"),
        (["handling"], ""),
        (["handling=strict; foo; bar=1;"], "strict"),
        (["respond-async, wait=100, handling=strict"], "strict"),
        (['x="a, handling=lenient", handling=strict'], "strict"),
        ([", ,handling=strict ,"], "strict"),
        (["return=minimal", "handling=strict"], "strict"),
        (["handling=lenient, handling=strict"], "lenient"),
        (["x;handling=strict"], None),
        (["no-handling=strict"], None),
        (["handling=strict, ==="], None),
        (["handling=strict x"], None),
        (['handling="strict'], None),
        (["handling=strict;é"], None),
        (["handling:strict"], None),
    ],
)
def test_given_a_header_when_read_then_its_first_handling_counts_if_it_is_well_formed(
    lines: list[str], handling: str | None
) -> None:
    assert handling_preferred(lines) == handling


@pytest.mark.parametrize("piece", ["a; ", "a ;", '"\\', " ", ";", "a=", "a,", "a;b= "])
def test_given_a_long_header_that_breaks_the_grammar_when_read_then_it_takes_no_time(
    piece: str,
) -> None:
    begin = time.thread_time()
    assert handling_preferred([f"handling=strict{piece * 100_000}é"]) is None
    assert time.thread_time() - begin < 2
