"""The output of the log. A full disk or a closed pipe must not stop the service."""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO


class LogOutput:
    """Writes to `stream`; what cannot be written is left out, and told of once it can be again.

    `line_of_loss` makes that line from the number of lines. It must not log: it is called by the
    logger, which holds its lock.
    """

    def __init__(self, stream: TextIO, line_of_loss: Callable[[int], str]) -> None:
        self._stream = stream
        self._line_of_loss = line_of_loss
        self._lost = 0

    def write(self, text: str) -> None:
        """Write the text and flush.

        Never raises: lines that cannot be written are counted, and the count is written later.
        """
        try:
            if self._lost:
                # The first that was lost may have been written in part.
                self._stream.write(f"\n{self._line_of_loss(self._lost)}\n")
                self._stream.flush()
                self._lost = 0
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # ValueError: it is closed
            self._lost += 1

    def flush(self) -> None:
        """Does nothing: `write` has flushed already."""
