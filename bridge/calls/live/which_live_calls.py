"""Which live calls a request means."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.calls.live.call_index import CallIndex
from bridge.calls.state.call_views import extensions_in, has_party, is_call_of
from bridge.calls.state.phone_call import PhoneCall
from bridge.directory.loader import CurrentDirectory
from bridge.directory.model import Extension


class LiveCalls:
    """Answers list and DELETE of phone calls in one question."""

    def __init__(self, calls: CallIndex, directory: CurrentDirectory) -> None:
        self._calls = calls
        self._directory = directory

    def meant(
        self,
        extensions: Sequence[Extension],
        call_id: str | None = None,
        number: str | None = None,
    ) -> list[PhoneCall]:
        """The live calls of these extensions, each once.

        `call_id`: only the call with that id, or the one that a call with that id has joined.
        `number`: only calls with a party of that number, written in digits with an optional `+`. A
        short number is one of the extensions' organizations, as a user of theirs would dial it.
        """
        found = self._of(extensions) if call_id is None else self._one(extensions, call_id)
        if number is None:
            return found
        named = self._named(extensions, number)
        return [x for x in found if has_party(x, number, named)]

    def _one(self, extensions: Sequence[Extension], call_id: str) -> list[PhoneCall]:
        call = self._calls.find(call_id)
        if call is None or extensions_in(call).isdisjoint(x.number for x in extensions):
            return []
        return [call]

    def _of(self, extensions: Sequence[Extension]) -> list[PhoneCall]:
        found = {
            call.id: call
            for extension in extensions
            for call in self._calls.of_extension(extension.number)
            if is_call_of(call, extension.number)
        }
        return list(found.values())

    def _named(self, extensions: Sequence[Extension], number: str) -> set[str]:
        """The extended numbers that a short or public number may stand for."""
        digits = number.removeprefix("+")
        owner = self._directory.directory.extensions_by_public_number.get(digits)
        short = {f"{x.organization}*{digits}" for x in extensions}
        return short | ({owner.number} if owner else set())
