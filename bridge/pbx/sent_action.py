"""One action on its way, and the messages that answer it.

panoramisk's own keeps every message in a case-insensitive mapping, and copies that again: too
much for a list of thousands of channels.
"""

from __future__ import annotations

import asyncio

from bridge.calls.pbx import PbxOutcomeUnknown
from bridge.pbx.ami_message import Headers
from bridge.pbx.ami_values import AmiAction


class SentAction:
    """`answer` becomes the answer, followed by the list it announced, if any.

    Its text shows the name only: a traceback with local variables must not show a login's secret.
    """

    def __init__(self, action: AmiAction, action_id: str) -> None:
        self.name = action.name
        self.action_id = action_id
        self.answer: asyncio.Future[list[Headers]] = asyncio.get_running_loop().create_future()
        self._messages: list[Headers] = []
        self._items = action.name.removesuffix("s") if action.collects_list else ""

    def __repr__(self) -> str:
        return f"<{self.name} {self.action_id}>"

    def give_up(self, after_s: float) -> None:
        """The time for the answer is over."""
        if not self.answer.done():
            why = f"{self.name}: no answer within {after_s:g} s"
            self.answer.set_exception(PbxOutcomeUnknown(why))

    def takes(self, headers: Headers) -> bool:
        """Whether this message belongs to the answer.

        Events of other sessions may carry any ActionID, and OriginateResponse carries that of its
        Originate: only a list that was announced takes events, all others go to the event stream.
        """
        if "Event" not in headers:
            return True
        return bool(self._messages and self._items) and headers["Event"].startswith(self._items)

    def add(self, headers: Headers) -> bool:
        """Take the next message; True if the answer is complete with it."""
        self._messages.append(headers)
        if "Event" not in headers:
            complete = not (self._items and _announces_list(headers))
        else:
            complete = headers["Event"].endswith("Complete")
        if complete and not self.answer.done():
            self.answer.set_result(self._messages)
        return complete


def _announces_list(answer: Headers) -> bool:
    if answer.get("Response") != "Success":
        return False
    return answer.get("EventList") == "start" or "will follow" in answer.get("Message", "").lower()
