"""The protocol of traces, and the one that is in force where nobody collects them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

Attributes = Mapping[str, str | int | bool]


class RequestSpan(Protocol):
    """The span of one request."""

    def answered(self, route: str, status: int) -> None:
        """The request has its answer."""


class Traces(Protocol):
    """Each method costs nothing that lasts, and never raises."""

    def request(
        self, method: str, headers: Mapping[str, str]
    ) -> AbstractContextManager[RequestSpan]:
        """While a request is served. A valid `traceparent` among the headers is carried on."""

    def carried_on(self) -> Mapping[str, str]:
        """The W3C headers by which another instance goes on with the trace of the request that is
        being served; empty where there is none."""

    def originating(self, call_id: str) -> AbstractContextManager[object]:
        """The Originate of a call is sent now; the block lasts until its answer.

        To be called while the request is served: the span of the call begins here, in its trace.
        The block may be entered later, in another task.
        """

    def call_changed(self, call_id: str, name: str, at_ms: int, attributes: Attributes) -> None:
        """Something happened to the call, in ms since 1970; begins its span if there is none."""

    def call_ended(self, call_id: str, at_ms: int, attributes: Attributes) -> None:
        """The call has its final record, in ms since 1970."""

    def webhook(self, call_id: str, began_ms: int, ended_ms: int, attributes: Attributes) -> None:
        """An event of the call was sent to a receiver."""

    def traceparent(self, call_id: str) -> str:
        """The W3C header of the call for a receiver; empty where there is none."""


class _Unobserved:
    def answered(self, route: str, status: int) -> None:
        """Nobody is told."""


class NoTraces:
    """Does nothing."""

    _request = _Unobserved()

    def request(
        self, method: str, headers: Mapping[str, str]
    ) -> AbstractContextManager[RequestSpan]:
        return nullcontext(self._request)

    def carried_on(self) -> Mapping[str, str]:
        return {}

    def originating(self, call_id: str) -> AbstractContextManager[object]:
        return nullcontext()

    def call_changed(self, call_id: str, name: str, at_ms: int, attributes: Attributes) -> None:
        return None

    def call_ended(self, call_id: str, at_ms: int, attributes: Attributes) -> None:
        return None

    def webhook(self, call_id: str, began_ms: int, ended_ms: int, attributes: Attributes) -> None:
        return None

    def traceparent(self, call_id: str) -> str:
        return ""


NO_TRACES = NoTraces()
