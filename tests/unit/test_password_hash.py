"""Passwords of people: what fits, and that each check does the same work."""

from __future__ import annotations

import hashlib
from unittest.mock import patch

import pytest

from bridge.access.password_hash import MAX_CHARS, fits, hash_of

PASSWORD = "blåbær-på-tur"
GENERATED = "kT7-wq0ZpR4xUe2L_generated-3f9"


@pytest.fixture(scope="module")
def hashed() -> str:
    return hash_of(PASSWORD)


def test_the_hash_fits_its_password_in_both_spellings_and_nothing_else(hashed: str) -> None:
    assert fits(PASSWORD, hashed)
    assert fits("bla\u030abær-pa\u030a-tur", hashed)
    assert not fits(PASSWORD + "!", hashed)
    assert not fits(hashed, hashed)


def test_each_hash_has_a_salt_of_its_own(hashed: str) -> None:
    assert hash_of(PASSWORD) != hashed


def test_a_generated_password_fits_as_it_is() -> None:
    assert fits(GENERATED, GENERATED)
    assert not fits(GENERATED[:-1], GENERATED)


@pytest.mark.parametrize("password", ["", "x", PASSWORD, "\ud800"])
@pytest.mark.parametrize("stored", [None, ""])
def test_nothing_fits_where_there_is_no_password(password: str, stored: str | None) -> None:
    assert not fits(password, stored)


def test_what_follows_a_long_password_is_not_ignored() -> None:
    hashed = hash_of("x" * MAX_CHARS)
    assert fits("x" * MAX_CHARS, hashed)
    assert not fits("x" * (MAX_CHARS + 1), hashed)


@pytest.mark.parametrize("length", [7, 257])
def test_lengths_are_bounded(length: int) -> None:
    with pytest.raises(ValueError, match="8 to 256"):
        hash_of("x" * length)


def test_each_check_makes_one_hash_of_the_same_cost(hashed: str) -> None:
    """The time of an answer would else tell who exists, and who has which kind of password."""
    costs = []
    with patch.object(hashlib, "scrypt", wraps=hashlib.scrypt) as made:
        for password, stored in (
            (PASSWORD, hashed),
            ("wrong", hashed),
            ("wrong", None),
            (GENERATED, GENERATED),
            ("wrong", GENERATED),
        ):
            made.reset_mock()
            fits(password, stored)
            [call] = made.call_args_list
            costs.append({x: y for x, y in call.kwargs.items() if x != "salt"})
    assert costs == [costs[0]] * 5
