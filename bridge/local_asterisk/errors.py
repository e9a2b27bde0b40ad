"""Errors of the start of the local Asterisk."""

from __future__ import annotations


class LocalAsteriskError(Exception):
    """The message is for the person at the terminal: it says what to do."""


class NoAsteriskError(LocalAsteriskError):
    """No way to get an Asterisk, or the forced one is impossible."""


class PortTakenError(LocalAsteriskError):
    """A port that Asterisk needs is in use.

    `field` is the name in AsteriskPorts, `setting` the name in the environment.
    """

    def __init__(self, message: str, *, field: str, setting: str) -> None:
        super().__init__(message)
        self.field = field
        self.setting = setting


class AsteriskStartError(LocalAsteriskError):
    """Asterisk ended, or was not ready in time; the message has its last log lines."""
