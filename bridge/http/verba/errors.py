"""Result codes of the Verba API, and the one place that maps our errors to them.

-90 and -91 are ours: the vendor's table has none for what must not be deleted. More than one record
for a selector is -1 with a text of its own, as is a removal that has to be finished later.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from bridge.access.guess_guard import TooManyGuesses
from bridge.calls.pbx import (
    InvalidPbxValue,
    PbxNotHeld,
    PbxOutcomeUnknown,
    PbxRefused,
    PbxUnavailable,
)
from bridge.faults import Fenced, StorageUnavailable
from bridge.http.errors import TAKEN_OVER_RETRY_AFTER_S
from bridge.http.rate_limits import RETRY_AFTER_S
from bridge.recordings.deletion import AlreadyGone, CallProtected, UnderRetention
from bridge.recordings.file_removal import NotRemoved
from bridge.recordings.recording_pbx import AudioError, AudioMissing


class Code(IntEnum):
    """The result codes of the Verba API (docs/reference/verba.md)."""

    SUCCESS = 0
    UNEXPECTED_ERROR = -1
    INVALID_PARAMETERS = -20
    INVALID_ACTION = -30
    INVALID_CREDENTIALS = -40
    INVALID_API_KEY = -41
    LOGIN_REQUIRED = -42
    TOKEN_EXPIRED = -43
    CALL_NOT_FOUND = -50
    MEDIA_NOT_FOUND = -70
    CALL_PROTECTED = -90
    CALL_UNDER_RETENTION = -91


class VerbaError(Exception):
    """An answer other than success; `message` goes into ErrorMessage."""

    def __init__(self, code: Code, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{int(code)}: {message}")
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def too_many_guesses(code: Code, why: TooManyGuesses) -> VerbaError:
    """`code` is the code of a wrong secret, which clients know; the header says when to come
    again."""
    text = str(why)
    return VerbaError(
        code, f"{text[:1].upper()}{text[1:]}.", {"Retry-After": str(why.retry_after_s)}
    )


def invalid_parameter(message: str) -> VerbaError:
    """The error -20 with this message (docs/reference/verba.md §3)."""
    return VerbaError(Code.INVALID_PARAMETERS, message)


def as_verba_error(fault: Exception) -> VerbaError | None:
    """Our own errors as the API's; None for what is a defect of ours."""
    if isinstance(fault, VerbaError):
        return fault
    # The most special class of the fault that has an answer.
    answer = next((VERBA_ANSWERS[x] for x in type(fault).__mro__ if x in VERBA_ANSWERS), None)
    if answer is None:
        return None
    return VerbaError(answer[0], answer[1].format(fault), _retry_after(fault))


def _retry_after(fault: Exception) -> dict[str, str]:
    if isinstance(fault, Fenced | PbxNotHeld):
        return {"Retry-After": str(TAKEN_OVER_RETRY_AFTER_S)}
    return {"Retry-After": str(RETRY_AFTER_S)} if isinstance(fault, _NOT_NOW) else {}


_NOT_NOW = (StorageUnavailable, PbxUnavailable)
_PBX_FAILED = Code.UNEXPECTED_ERROR, "The PBX did not do it: {}."

VERBA_ANSWERS: Mapping[type, tuple[Code, str]] = {
    CallProtected: (Code.CALL_PROTECTED, "Call cannot be deleted: {}."),
    UnderRetention: (Code.CALL_UNDER_RETENTION, "Call cannot be deleted: {}."),
    NotRemoved: (
        Code.UNEXPECTED_ERROR,
        "The call is marked for deletion; removing its files failed ({}) and will be retried.",
    ),
    AlreadyGone: (Code.CALL_NOT_FOUND, "Call not found: it has been deleted."),
    AudioMissing: (Code.MEDIA_NOT_FOUND, "The media file of the call is not there."),
    AudioError: (Code.UNEXPECTED_ERROR, "The media file of the call cannot be read now ({})."),
    Fenced: _PBX_FAILED,
    StorageUnavailable: (Code.UNEXPECTED_ERROR, "The database cannot be used at the moment."),
    PbxUnavailable: _PBX_FAILED,
    PbxOutcomeUnknown: _PBX_FAILED,
    PbxRefused: _PBX_FAILED,
    InvalidPbxValue: _PBX_FAILED,
}
"""From the class of a fault, or of one of its bases, to the code and the text; `{}` is the fault's
own text."""
