"""Rare behaviours of phones, for a ScriptedPhone; the fields of a script can be combined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class PhoneScript:
    """The treatment of each call. Without any field a call rings until the test does something."""

    answers_after_s: float | None = None
    """It picks up after that."""
    progress: bool = False
    """It sends 183 with its audio, instead of 180."""
    refuses_with: int = 0
    """It refuses with that status …"""
    refuses_after_s: float = 0.0
    """… after so many seconds."""
    answers_after_cancel: bool = False
    """A CANCEL crosses with its 200: RFC 3261, 9.1."""
    never_acknowledges: bool = False
    """It sends no ACK for the answer to its own call."""
    bye_glare: bool = False
    """It sends a BYE of its own when one comes, before it answers that."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers of each INVITE that it sends, and of each response."""

    def __post_init__(self) -> None:
        for name, value in self.headers.items():
            if any(x in name + value for x in "\r\n"):
                raise ValueError(f"the header {name!r} has a line end in it")

    @property
    def header_lines(self) -> str:
        """The headers as they are sent."""
        return "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())


def waits() -> PhoneScript:
    """It rings; the test accepts, refuses or hangs up."""
    return PhoneScript()


def progress_then_refuses(status: int = 486, *, after_s: float = 1.0) -> PhoneScript:
    """183 with audio, and then that status."""
    return PhoneScript(progress=True, refuses_with=status, refuses_after_s=after_s)


def answers_after_cancel() -> PhoneScript:
    """It rings, and picks up in the moment in which the caller gives up."""
    return PhoneScript(answers_after_cancel=True)


def never_acknowledges() -> PhoneScript:
    """It dials, and sends no ACK when the call is answered."""
    return PhoneScript(never_acknowledges=True)


def hangs_up_at_the_same_time(*, answers_after_s: float = 0.0) -> PhoneScript:
    """It picks up; when the other side hangs up, it does so in the same moment."""
    return PhoneScript(answers_after_s=answers_after_s, bye_glare=True)


def with_headers(headers: Mapping[str, str], *, answers_after_s: float = 0.0) -> PhoneScript:
    """It picks up, and its messages have these headers as well."""
    return PhoneScript(answers_after_s=answers_after_s, headers=headers)


def session_timers(expires_s: int = 90, *, answers_after_s: float = 0.0) -> PhoneScript:
    """It asks for a refresh of the session by the server: RFC 4028. 90 s is the shortest."""
    timer = {"Supported": "timer", "Session-Expires": f"{expires_s};refresher=uas"}
    return PhoneScript(answers_after_s=answers_after_s, headers=timer)
