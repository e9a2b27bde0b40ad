"""The directory in force, as the parameters of an event ask it."""

from __future__ import annotations

from bridge.directory.loader import CurrentDirectory


class DirectoryNumbers:
    """Implements Numbers with the directory in force."""

    def __init__(self, current: CurrentDirectory) -> None:
        self._current = current

    def public_number(self, extension: str) -> str | None:
        """The public number of the extension; None if it has none, or is unknown."""
        found = self._current.directory.extensions.get(extension)
        return None if found is None else found.public_number

    def extension_of(
        self, dialled: str, organization: str | None, *, from_outside: bool
    ) -> str | None:
        """The extension that a dialled number reaches.

        `from_outside`: a public number counts as well.
        """
        directory = self._current.directory
        number = dialled if "*" in dialled else f"{organization}*{dialled}"
        found = directory.extensions.get(number)
        if found is None and from_outside:
            found = directory.extensions_by_public_number.get(dialled.removeprefix("+"))
        return None if found is None else found.number
