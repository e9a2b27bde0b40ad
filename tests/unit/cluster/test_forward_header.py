"""The header of a forwarded request: genuine, or refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.cluster.forward_header import (
    HEADER_MAX_CHARS,
    LIVES_MAX_MS,
    Forward,
    ForwardRefused,
    ForwardSigner,
    RequestShape,
)

SECRET = "a secret that all instances of this test share"
SHAPE = RequestShape(
    "POST", "/uapi/phoneCalls/@me/simple?video=1", {"host": "h", "idempotency-key": "k"}
)
BODY = b'{"extension": "210"}'
FORWARD = Forward(
    sender="b",
    receiver="a",
    pbx="pbx1",
    deadline_ms=5_000,
    principal="user-12",
    remote="192.0.2.7",
    request_id="r-1",
    call_id="0123456789abcdef0123",
)


def signed(forward: Forward = FORWARD, body: bytes = BODY, secret: str = SECRET) -> str:
    return ForwardSigner(secret, "b").sign(forward, SHAPE, body)[0]


def check(header: str, shape: RequestShape = SHAPE, now_ms: int = 4_000) -> Forward:
    return ForwardSigner(SECRET, "a").check(header, shape, now_ms).forward


def test_the_receiver_reads_what_the_sender_states() -> None:
    header, proof = ForwardSigner(SECRET, "b").sign(FORWARD, SHAPE, BODY)
    received = ForwardSigner(SECRET, "a").check(header, SHAPE, 4_000)
    assert received.forward == FORWARD
    assert received.proof == proof
    received.require_body(BODY)


@pytest.mark.parametrize(
    "shape",
    [
        replace(SHAPE, method="DELETE"),
        replace(SHAPE, target="/uapi/phoneCalls/@me/simple?video=0"),
        replace(SHAPE, headers={"host": "h", "idempotency-key": "another"}),
        replace(SHAPE, headers={"host": "other", "idempotency-key": "k"}),
        replace(SHAPE, headers={"host": "h"}),
    ],
    ids=["method", "target", "key", "host", "key left out"],
)
def test_another_request_is_refused(shape: RequestShape) -> None:
    with pytest.raises(ForwardRefused, match="signature"):
        check(signed(), shape)


def test_another_body_is_refused() -> None:
    received = ForwardSigner(SECRET, "a").check(signed(), SHAPE, 4_000)
    with pytest.raises(ForwardRefused, match="body"):
        received.require_body(b'{"extension": "211"}')


def test_a_deadline_that_no_instance_gives_is_refused() -> None:
    """The clock was set back, and the copy of the request is not known any more."""
    assert check(signed(), now_ms=5_000 - LIVES_MAX_MS) == FORWARD
    with pytest.raises(ForwardRefused, match="another clock"):
        check(signed(), now_ms=4_999 - LIVES_MAX_MS)


def test_other_secrets_receivers_and_times_are_refused() -> None:
    with pytest.raises(ForwardRefused, match="secrets differ"):
        check(signed(secret="another secret of the same length, or so"))
    with pytest.raises(ForwardRefused, match="another instance"):
        check(signed(replace(FORWARD, receiver="c")))
    check(signed(), now_ms=5_000)
    with pytest.raises(ForwardRefused, match="time is over"):
        check(signed(), now_ms=5_001)


@given(st.data())
def test_a_header_that_is_cut_or_changed_anywhere_is_refused(data: st.DataObject) -> None:
    header = signed()
    place = data.draw(st.integers(0, len(header) - 1))
    changed = data.draw(
        st.one_of(
            st.just(header[:place]),
            st.characters().map(lambda x: header[:place] + x + header[place + 1 :]),
        )
    )
    if changed != header:
        with pytest.raises(ForwardRefused):
            check(changed)


@given(st.text())
def test_what_a_stranger_sends_is_refused(text: str) -> None:
    with pytest.raises(ForwardRefused):
        check(text)
    with pytest.raises(ForwardRefused):
        check(f"1.{text}.{'0' * 64}")


def test_a_long_header_is_refused_unread() -> None:
    with pytest.raises(ForwardRefused):
        check("1." + "A" * HEADER_MAX_CHARS)


def test_a_statement_of_another_version_is_refused() -> None:
    """With a right signature: during an upgrade."""
    signer = ForwardSigner(SECRET, "b")
    for statement in ("", "W10=", "e30=", "bm8=", "é"):
        header = f"1.{statement}.{signer._signature(statement, SHAPE)}"  # noqa: SLF001
        with pytest.raises(ForwardRefused):
            check(header)


def test_no_two_headers_are_the_same() -> None:
    assert signed() != signed()
