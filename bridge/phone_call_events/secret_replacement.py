"""A new secret; the old one signs beside it for a time. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from bridge.phone_call_events.subscription import AppSecret, OldSecret, Subscription, new_secret

OLD_SECRETS_MAX = 2
"""A replacement whose answer was lost can be repeated once: the receiver knows the oldest one."""


class TooManySecrets(Exception):
    """So many old secrets still sign. `until_ms`: when the next one ends."""

    def __init__(self, until_ms: int) -> None:
        super().__init__(f"{OLD_SECRETS_MAX} old secrets still sign")
        self.until_ms = until_ms


_Holder = TypeVar("_Holder", Subscription, AppSecret)


def with_new_secret(holder: _Holder, keep_s: int, at_ms: int) -> _Holder:
    """The same with another secret. Raises TooManySecrets.

    `keep_s`: so long the replaced one signs as well. With 0 no old secret signs any more.
    """
    old: tuple[OldSecret, ...] = ()
    if keep_s:
        old = tuple(x for x in holder.old_secrets if x.until_ms > at_ms)
    if len(old) >= OLD_SECRETS_MAX:
        raise TooManySecrets(min(x.until_ms for x in old))
    if keep_s:
        old = (OldSecret(holder.secret, at_ms + keep_s * 1000), *old)
    return replace(holder, secret=new_secret(), old_secrets=old, modified_ms=at_ms)
