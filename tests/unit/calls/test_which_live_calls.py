"""Which calls a list or a DELETE means."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.calls.live.call_index import CallIndex
from bridge.calls.live.which_live_calls import LiveCalls
from bridge.config.secrets_file import ThrowawaySecrets
from bridge.directory.loader import EXAMPLE_FILE, CurrentDirectory

from .fakes import accepted

DIRECTORY = CurrentDirectory(EXAMPLE_FILE, ThrowawaySecrets())
EXTENSIONS = DIRECTORY.directory.extensions


def live_calls(*ids: str) -> LiveCalls:
    """Calls in which 210 calls 211 and pays, in the order of these ids."""
    index = CallIndex()
    for call_id in ids:
        index.store(None, replace(accepted(), id=call_id, linkedid=call_id))
    return LiveCalls(index, DIRECTORY)


def test_given_two_extensions_of_a_call_when_asked_for_both_then_it_comes_once() -> None:
    calls = live_calls("a", "b")
    both = [EXTENSIONS["0003*210"], EXTENSIONS["0003*211"]]
    assert [x.id for x in calls.meant(both)] == ["a", "b"]
    assert calls.meant([EXTENSIONS["0003*212"]]) == []
    assert calls.meant([]) == []


def test_given_an_id_when_asked_for_then_only_a_call_of_these_extensions_comes() -> None:
    calls = live_calls("a", "b")
    assert [x.id for x in calls.meant([EXTENSIONS["0003*211"]], "b")] == ["b"]
    assert calls.meant([EXTENSIONS["0003*212"]], "b") == []
    assert calls.meant([EXTENSIONS["0003*211"]], "c") == []


@pytest.mark.parametrize(
    ("number", "found"), [("211", True), ("210", True), ("212", False), ("+9", False)]
)
@pytest.mark.parametrize("call_id", [None, "a"])
def test_given_a_short_number_when_asked_for_then_it_is_one_of_that_organization(
    number: str, found: bool, call_id: str | None
) -> None:
    calls = live_calls("a")
    assert bool(calls.meant([EXTENSIONS["0003*210"]], call_id, number)) is found


def test_given_a_public_number_when_asked_for_then_its_extension_is_found() -> None:
    public = EXTENSIONS["0003*211"].public_number
    assert public is not None
    calls = live_calls("a")
    mine = [EXTENSIONS["0003*210"]]
    assert [x.id for x in calls.meant(mine, number=f"+{public.removeprefix('+')}")] == ["a"]


def test_given_a_call_that_joined_another_when_its_id_is_asked_for_then_the_other_is_meant() -> (
    None
):
    index = CallIndex()
    call = replace(accepted(), id="a", linkedid="a", joined=("b",))
    index.store(None, call)
    calls = LiveCalls(index, DIRECTORY)
    mine = [EXTENSIONS["0003*211"]]
    assert [x.id for x in calls.meant(mine, "b")] == ["a"]
    assert calls.meant([EXTENSIONS["0003*212"]], "b") == []
    index.forget(call)
    assert calls.meant(mine, "b") == []
