"""A sealed secret opens with the same cluster secret and under its own name alone."""

from __future__ import annotations

import pytest

from bridge.cluster.sealing import CannotOpen, Seal

CLUSTER_SECRET = "c" * 40


def test_given_the_same_cluster_secret_then_it_opens() -> None:
    sealed = Seal(CLUSTER_SECRET).close("sip/0003*210", "pässword")
    assert Seal(CLUSTER_SECRET).open("sip/0003*210", sealed) == "pässword"
    assert "password" not in sealed
    assert sealed.isascii()
    assert Seal(CLUSTER_SECRET).close("sip/0003*210", "pässword") != sealed


def test_given_another_cluster_secret_then_it_does_not_open() -> None:
    sealed = Seal(CLUSTER_SECRET).close("ami", "secret")
    with pytest.raises(CannotOpen):
        Seal(CLUSTER_SECRET + "x").open("ami", sealed)


def test_given_the_row_of_another_secret_then_it_does_not_open() -> None:
    sealed = Seal(CLUSTER_SECRET).close("sip/0003*210", "secret")
    with pytest.raises(CannotOpen):
        Seal(CLUSTER_SECRET).open("sip/0003*211", sealed)


@pytest.mark.parametrize("text", ["", "1.", "1.AAAA", "1.é", "2.AAAA", "1." + "A" * 80])
def test_given_something_else_then_it_does_not_open(text: str) -> None:
    with pytest.raises(CannotOpen):
        Seal(CLUSTER_SECRET).open("ami", text)


def test_given_a_changed_text_then_it_does_not_open() -> None:
    sealed = Seal(CLUSTER_SECRET).close("ami", "secret")
    changed = sealed[:-6] + ("A" if sealed[-6] != "A" else "B") + sealed[-5:]
    with pytest.raises(CannotOpen):
        Seal(CLUSTER_SECRET).open("ami", changed)
