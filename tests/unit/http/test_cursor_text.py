"""A cursor is read as it was written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.http.uapi.collection import Listing
from bridge.http.uapi.cursors import CursorKind


@given(
    number=st.integers(0, 10**17),
    text=st.text(max_size=40).filter(str.isprintable),
    descending=st.booleans(),
)
def test_a_cursor_is_read_as_it_was_written(number: int, text: str, *, descending: bool) -> None:
    kind = CursorKind("live", descending=descending)
    cursor = kind.written((number, text))
    assert cursor is not None
    assert kind.read(cursor) == (number, text)
    assert Listing.parse({"cursor": cursor}, {}).by_cursor is False  # of a list without cursors
