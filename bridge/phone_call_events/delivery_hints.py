"""Tells the instances that deliver what another one has written, once for each commit."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bridge.cluster.hints import HINT_CHARS_MAX, Hints

CHANNEL = "event_deliveries"
_MORE, _ONCE, _HURRY = "*", "!", "~"


@dataclass(frozen=True, slots=True)
class Hint:
    """Of a subscription: `more` events wait on disk; `once`: the id of a delivery to be sent a
    single time; `hurry`: do not wait for the time of a retry."""

    subscription_id: str
    more: int = 0
    once: str = ""
    hurry: bool = False


class DeliveryHints:
    """Of one commit all are told together: their callbacks run in one turn of the event loop."""

    def __init__(self, hints: Hints) -> None:
        self._hints = hints
        self._more: dict[str, int] = {}
        self._others: list[Hint] = []
        self._soon = False

    def one_more(self, subscription_id: str) -> None:
        """An event of that subscription is on disk."""
        self._more[subscription_id] = self._more.get(subscription_id, 0) + 1
        self._tell_soon()

    def once(self, subscription_id: str, delivery_id: str) -> None:
        """That delivery waits on disk, to be sent a single time."""
        self._others.append(Hint(subscription_id, once=delivery_id))
        self._tell_soon()

    def hurry(self, subscription_id: str) -> None:
        """An app wants what waits for a retry to be tried now."""
        self._others.append(Hint(subscription_id, hurry=True))
        self._tell_soon()

    def _tell_soon(self) -> None:
        if not self._soon:
            self._soon = True
            asyncio.get_running_loop().call_soon(self._tell)

    def _tell(self) -> None:
        new = [*(Hint(x, more=count) for x, count in self._more.items()), *self._others]
        self._more, self._others, self._soon = {}, [], False
        for payload in payloads(new):
            self._hints.notify(CHANNEL, payload)


def payloads(new: Iterable[Hint]) -> Iterator[str]:
    """Them as texts, none longer than a hint may be."""
    text = ""
    for hint in new:
        one = _written(hint)
        if text and len(text) + 1 + len(one) > HINT_CHARS_MAX:
            yield text
            text = ""
        text += f" {one}" if text else one
    if text:
        yield text


def read_payload(payload: str) -> list[Hint]:
    """The hints in a payload. Texts of another form are left out."""
    found = [_read(one) for one in payload.split()]
    return [x for x in found if x is not None]


def _written(hint: Hint) -> str:
    if hint.once:
        return f"{hint.subscription_id}{_ONCE}{hint.once}"
    return f"{hint.subscription_id}{_HURRY if hint.hurry else f'{_MORE}{hint.more}'}"


def _read(one: str) -> Hint | None:
    if one.endswith(_HURRY):
        return Hint(one.removesuffix(_HURRY), hurry=True)
    subscription_id, is_once, delivery_id = one.partition(_ONCE)
    if is_once:
        return Hint(subscription_id, once=delivery_id) if delivery_id else None
    subscription_id, _, count = one.partition(_MORE)
    is_count = count.isdecimal() and len(count) < 10
    return Hint(subscription_id, more=int(count)) if is_count else None
