"""Whom a requester may act for, and with which extension."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.directory.errors import ExtensionInvalid, UserInvalid
from bridge.directory.model import Extension, User
from bridge.directory.ownership import extensions_of, resolve_extension, resolve_user
from bridge.directory.requester import Requester

from .example_directory import (
    ADMINISTRATOR,
    EVERYONE,
    EXAMPLE,
    ORGANIZATION_3,
    ORGANIZATION_4,
    USER_12,
    USER_13,
)

ALICE, BOB, CAROL = (EXAMPLE.users[number] for number in (12, 13, 21))


@pytest.mark.parametrize("text", ["@me", "@viewer"])
def test_authenticated_user(text: str) -> None:
    assert resolve_user(USER_12, text) is ALICE
    assert resolve_user(USER_13, text) is BOB
    for requester in (ORGANIZATION_3, ADMINISTRATOR):
        with pytest.raises(UserInvalid, match="not registered to a user"):
            resolve_user(requester, text)


@pytest.mark.parametrize(
    ("requester", "reached"),
    [
        (USER_12, {12}),
        (USER_13, {13}),
        (ORGANIZATION_3, {12, 13}),
        (ORGANIZATION_4, {21}),
        (ADMINISTRATOR, {12, 13, 21}),
    ],
)
def test_numeric_id_in_reach(requester: Requester, reached: set[int]) -> None:
    reasons = set()
    for number in (12, 13, 21, 99):
        if number in reached:
            assert resolve_user(requester, str(number)).id == number
            continue
        with pytest.raises(UserInvalid) as refused:
            resolve_user(requester, str(number))
        reasons.add(refused.value.reason.replace(str(number), ""))
    assert len(reasons) == 1


@pytest.mark.parametrize("text", ["", "00", "+12", "1²", "١٢", "@ME", "@owner ", "9" * 5000])
def test_other_user_ids_are_invalid(text: str) -> None:
    with pytest.raises(UserInvalid, match="user id"):
        resolve_user(ADMINISTRATOR, text)


def test_owner_of_the_named_extension() -> None:
    assert resolve_user(USER_12, "@owner", "210") is ALICE
    assert resolve_user(ORGANIZATION_3, "@owner", "220") is BOB
    assert resolve_user(ADMINISTRATOR, "@owner", "0004*210") is CAROL


@pytest.mark.parametrize(
    ("requester", "extension"),
    [
        (USER_12, "220"),
        (USER_12, "0004*210"),
        (ORGANIZATION_3, "0004*210"),
        (ORGANIZATION_3, "999"),
        (ADMINISTRATOR, "210"),
        (ADMINISTRATOR, "5354353"),
        (ADMINISTRATOR, "@self"),
        (ADMINISTRATOR, None),
    ],
)
def test_owner_out_of_reach_or_nobody(requester: Requester, extension: str | None) -> None:
    with pytest.raises(ExtensionInvalid, match="extension"):
        resolve_user(requester, "@owner", extension)


@pytest.mark.parametrize(
    ("requester", "text"),
    [(USER_12, "210"), (ORGANIZATION_3, "0003*210"), (ADMINISTRATOR, "0003*210")],
)
def test_extension_of_the_user(requester: Requester, text: str) -> None:
    assert resolve_extension(requester, ALICE, text).number == "0003*210"


@pytest.mark.parametrize("requester", [USER_12, ORGANIZATION_3, ADMINISTRATOR])
def test_extension_of_another_is_like_none(requester: Requester) -> None:
    reasons = set()
    for text in ("0003*220", "0004*210", "0003*999", "5354353", "0003*00", "", "*", "\0"):
        with pytest.raises(ExtensionInvalid) as refused:
            resolve_extension(requester, ALICE, text)
        reasons.add(refused.value.reason.split(": ")[1])
    assert len(reasons) == 1


def test_administrator_writes_the_extended_form() -> None:
    with pytest.raises(ExtensionInvalid, match="extended form"):
        resolve_extension(ADMINISTRATOR, ALICE, "210")


def test_self_is_every_extension_and_not_one() -> None:
    numbers = [one.short for one in extensions_of(USER_12, ALICE)]
    assert numbers == ["210", "211", "212", "213", "214", "215", "300", "400", "500", "600"]
    with pytest.raises(ExtensionInvalid, match="@self"):
        resolve_extension(USER_12, ALICE, "@self")


TEXT = st.one_of(st.text(max_size=40), st.sampled_from(["@me", "@owner", "12", "210", "0003*210"]))


def outcome(
    requester: Requester, text: str, extension: str | None
) -> tuple[User, Extension] | UserInvalid | ExtensionInvalid:
    try:
        user = resolve_user(requester, text, extension)
        return user, resolve_extension(requester, user, extension or "")
    except (UserInvalid, ExtensionInvalid) as refused:
        return refused


@given(st.sampled_from(EVERYONE), TEXT, st.none() | TEXT)
def test_any_text_is_a_user_in_reach_or_invalid(
    requester: Requester, text: str, extension: str | None
) -> None:
    found = outcome(requester, text, extension)
    if isinstance(found, (UserInvalid, ExtensionInvalid)):
        assert found.reason.isprintable()
        return
    user, owned = found
    assert requester.can_act_for(user)
    assert owned.user_id == user.id
