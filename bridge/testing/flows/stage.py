"""The needs of a flow: a client, phones, and a journal for both."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from bridge.testing.journal import Journal
from bridge.testing.observed_api import ObservedApi
from bridge.testing.softphones.sipp_phone import SippPhone
from bridge.testing.softphones.softphone import Softphone

AnyPhone = Softphone | SippPhone


class Stage(Protocol):
    """`api` is open. `journal` is that of the flow, which the phones and the API write to."""

    @property
    def api(self) -> ObservedApi: ...

    @property
    def journal(self) -> Journal: ...

    def softphone(self, extension: str, tone_hz: int) -> AbstractAsyncContextManager[Softphone]:
        """A phone that is registered while the context lasts. Raises NoSuchPhone."""
        ...

    def refusing_phone(self, extension: str, status: int) -> AbstractAsyncContextManager[SippPhone]:
        """The same; it answers each call with that SIP status."""
        ...


class NoSuchPhone(Exception):
    """`str()` says which extension has no password here, and where one could come from."""
