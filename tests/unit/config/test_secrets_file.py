"""The secrets that the service makes."""

from __future__ import annotations

import secrets

import pytest

from bridge.config.secrets_file import ThrowawaySecrets


def test_given_a_password_like_a_hexadecimal_number_when_made_then_another_one_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = iter(["0x_VsH703wH4r", "z2veqLuQ-l98G"])
    monkeypatch.setattr(secrets, "token_urlsafe", lambda _: next(made))
    assert ThrowawaySecrets().get_or_create("sip/0003*211") == "z2veqLuQ-l98G"
