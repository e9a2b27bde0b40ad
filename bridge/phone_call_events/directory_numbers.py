"""The directory in force, as the parameters of an event ask it."""

from __future__ import annotations

from bridge.directory.loader import CurrentDirectory


class DirectoryNumbers:
    def __init__(self, current: CurrentDirectory) -> None:
        self._current = current

    def public_number(self, extension: str) -> str | None:
        found = self._current.directory.extensions.get(extension)
        return None if found is None else found.public_number

    def extension_of(self, dialled: str, organization: str | None) -> str | None:
        directory = self._current.directory
        number = dialled if "*" in dialled else f"{organization}*{dialled}"
        public = directory.extensions_by_public_number.get(dialled.removeprefix("+"))
        found = directory.extensions.get(number) or public
        return None if found is None else found.number
