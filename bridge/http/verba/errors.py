"""Result codes of the Verba API, and the one place that maps our errors to them.

-90 and -91 are ours: the vendor's table has none for what must not be deleted. More than one record
for a selector is -1 with a text of its own, as is a removal that has to be finished later.
"""

from __future__ import annotations

from enum import IntEnum

from bridge.calls.pbx import PbxOutcomeUnknown, PbxRefused, PbxUnavailable
from bridge.recordings.deleting import AlreadyGone, CallProtected, UnderRetention
from bridge.recordings.recording_pbx import AudioError, AudioMissing
from bridge.recordings.removal import NotRemoved
from bridge.storage.faults import StorageUnavailable


class Code(IntEnum):
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

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(f"{int(code)}: {message}")
        self.code = code
        self.message = message


def invalid(message: str) -> VerbaError:
    return VerbaError(Code.INVALID_PARAMETERS, message)


def as_verba_error(fault: Exception) -> VerbaError | None:
    """Our own errors as the API's; None for what is a defect of ours."""
    if isinstance(fault, VerbaError):
        return fault
    if isinstance(fault, CallProtected):
        return VerbaError(Code.CALL_PROTECTED, f"Call cannot be deleted: {fault}.")
    if isinstance(fault, UnderRetention):
        return VerbaError(Code.CALL_UNDER_RETENTION, f"Call cannot be deleted: {fault}.")
    if isinstance(fault, NotRemoved):
        text = f"Call is marked for deletion, but not deleted yet ({fault}). It is tried again."
        return VerbaError(Code.UNEXPECTED_ERROR, text)
    if isinstance(fault, AlreadyGone):
        return VerbaError(Code.CALL_NOT_FOUND, "Call not found: it has been deleted.")
    if isinstance(fault, AudioMissing):
        return VerbaError(Code.MEDIA_NOT_FOUND, "The media file of the call is not there.")
    if isinstance(fault, AudioError):
        text = f"The media file of the call cannot be read now ({fault})."
        return VerbaError(Code.UNEXPECTED_ERROR, text)
    if isinstance(fault, StorageUnavailable):
        return VerbaError(Code.UNEXPECTED_ERROR, "The database cannot be used at the moment.")
    if isinstance(fault, PbxUnavailable | PbxOutcomeUnknown | PbxRefused):
        return VerbaError(Code.UNEXPECTED_ERROR, f"The PBX did not do it: {fault}.")
    return None
