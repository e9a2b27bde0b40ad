"""One action on its way, and what answers it.

panoramisk's own class keeps every message in a case-insensitive mapping and copies it again. A list
of thousands of channels costs too much that way; here no item is kept.
"""

from __future__ import annotations

import asyncio

from bridge.calls.pbx import PbxOutcomeUnknown
from bridge.pbx.ami.message import Headers
from bridge.pbx.ami.values import AmiAction


class SentAction:
    """`answer` becomes the answer, once the list it announced, if any, is complete.

    Its text shows the name only: a traceback with local variables must not show a login's secret.
    """

    def __init__(self, action: AmiAction, action_id: str) -> None:
        self.name = action.name
        self.action_id = action_id
        self.answer: asyncio.Future[Headers] = asyncio.get_running_loop().create_future()
        self._each_item = action.each_item
        self._list = action.name.removesuffix("s")
        named = action.item_event
        self._items = ((named,) if isinstance(named, str) else named) or (self._list,)
        self._of_list = (*self._items, self._list)  # how the names of its events begin
        self._announced: Headers | None = None

    def __repr__(self) -> str:
        return f"<{self.name} {self.action_id}>"

    def give_up(self, after_s: float) -> None:
        """No answer came within `after_s` seconds: the waiting caller gets PbxOutcomeUnknown."""
        if not self.answer.done():
            why = f"{self.name}: no answer within {after_s:g} s"
            self.answer.set_exception(PbxOutcomeUnknown(why))

    def takes(self, headers: Headers) -> bool:
        """Whether this message belongs to the answer.

        Events of other sessions may carry any ActionID, and OriginateResponse carries the ActionID
        of its Originate. Only an announced list takes events; all others go to the event stream.
        """
        if "Event" not in headers:
            return True
        return self._announced is not None and headers["Event"].startswith(self._of_list)

    def add(self, headers: Headers) -> bool:
        """Take the next message; True if the answer is complete with it."""
        if "Event" not in headers:
            if self._each_item is not None and _announces_list(headers):
                self._announced = headers
                return False
            self._complete(headers)
        elif headers["Event"].endswith("Complete"):
            self._complete(self._announced or {})
        else:
            return self._take_item(headers)
        return True

    def _take_item(self, headers: Headers) -> bool:
        if self._each_item is None or headers["Event"] not in self._items:
            return False
        try:
            self._each_item(headers)
        except Exception as error:
            # A list without one of its items would be taken for the whole.
            if not self.answer.done():
                self.answer.set_exception(error)
            return True
        return False

    def _complete(self, answer: Headers) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)


def _announces_list(answer: Headers) -> bool:
    if not succeeded(answer):
        return False
    return answer.get("EventList") == "start" or "will follow" in answer.get("Message", "").lower()


def succeeded(answer: Headers) -> bool:
    """Whether the PBX did what an action asked for, or has begun to."""
    return answer.get("Response") == "Success"


def why_refused(answer: Headers) -> str:
    """The PBX's own words for an answer that does not say Success."""
    return answer.get("Message", "no reason given")
