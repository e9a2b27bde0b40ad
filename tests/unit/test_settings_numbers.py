"""A number that is no limit at all would fail later, in a request."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from bridge.config.settings import LARGEST_NUMBER, Settings

NUMBERS = [
    name
    for name in Settings.model_fields
    if isinstance(getattr(Settings(), name), int | float)
    and not isinstance(getattr(Settings(), name), bool)
]


@pytest.mark.parametrize("value", [10**30, LARGEST_NUMBER + 1, math.inf, math.nan])
def test_given_a_number_beyond_all_use_when_set_then_each_setting_refuses_it(value: float) -> None:
    with pytest.raises(ValidationError) as refusal:
        Settings.model_validate(dict.fromkeys(NUMBERS, value))
    assert {x["loc"][0] for x in refusal.value.errors()} == set(NUMBERS)


def test_there_are_numbers() -> None:
    assert "ended_calls_kept_s" in NUMBERS
    assert "calls_per_second" in NUMBERS
    assert len(NUMBERS) > 30
