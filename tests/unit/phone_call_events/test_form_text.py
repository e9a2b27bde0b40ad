"""Any values are encoded as the standard library does it."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from hypothesis import given
from hypothesis import strategies as st

from bridge.phone_call_events.form_text import form_text

_VALUES = st.text("aZ0*&=% +Ján_.~-\r\n\0/?#", max_size=8) | st.integers() | st.none()


@given(st.dictionaries(st.sampled_from(["CallID", "CalledDID", "a", "b_c"]), _VALUES))
def test_given_any_values_when_encoded_then_they_are_as_urlencode_has_them(
    values: dict[str, str | int | None],
) -> None:
    text = form_text(values)
    assert text == urlencode(values)
    assert dict(parse_qsl(text, keep_blank_values=True)) == {x: str(y) for x, y in values.items()}
