"""Why an ARI request failed: the PBX cannot be reached, or it refused."""

from __future__ import annotations

# The answers of res_ari for an unknown route, and of the HTTP server without res_ari.
_NO_SUCH_ROUTE = ("Resource not found", "Not Found")


class AriError(Exception):
    """Any failure of an ARI request."""


class AriUnavailable(AriError):
    """No connection, no answer in time, or the PBX says that it is not ready."""


class AriNotHeld(AriUnavailable):
    """Another instance may act for this PBX by now, so that nothing of it was changed."""

    def __init__(self) -> None:
        super().__init__("another instance is about to take the PBX over")


class AriNotLoaded(AriUnavailable):
    """The HTTP server is there and this part of ARI is not: Asterisk boots, or lacks a module.

    Its 404 says nothing about the object asked for. Taken for "there is none" it would make a
    recording count as deleted that is still on disk.
    """


class AriRefused(AriError):
    """The PBX refused: `status` is HTTP's, `str()` its message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class AriNotFound(AriRefused):
    """The object does not exist."""


def refusal(status: int, message: str) -> AriError:
    """The fault that stands for an answer of HTTP status `status`, 300 or more."""
    if status == 404 and message in _NO_SUCH_ROUTE:
        return AriNotLoaded(f"ARI is not loaded (yet): {message}")
    if status == 404:
        return AriNotFound(status, message)
    if status == 503:
        return AriUnavailable(message)
    return AriRefused(status, message)
