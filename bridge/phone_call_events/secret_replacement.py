"""A new secret for a subscription; the old one signs beside it for a time. Pure."""

from __future__ import annotations

from dataclasses import replace

from bridge.phone_call_events.subscription import OldSecret, Subscription, new_secret

OLD_SECRETS_MAX = 2
"""A replacement whose answer was lost can be repeated once: the receiver knows the oldest one."""


class TooManySecrets(Exception):
    """So many old secrets still sign. `until_ms`: when the next one ends."""

    def __init__(self, until_ms: int) -> None:
        super().__init__(f"{OLD_SECRETS_MAX} old secrets still sign")
        self.until_ms = until_ms


def with_new_secret(subscription: Subscription, keep_s: int, at_ms: int) -> Subscription:
    """The subscription with another secret. Raises TooManySecrets.

    `keep_s`: so long the replaced one signs as well. With 0 no old secret signs any more.
    """
    old = tuple(x for x in subscription.old_secrets if x.until_ms > at_ms) if keep_s else ()
    if len(old) >= OLD_SECRETS_MAX:
        raise TooManySecrets(min(x.until_ms for x in old))
    if keep_s:
        old = (OldSecret(subscription.secret, at_ms + keep_s * 1000), *old)
    return replace(subscription, secret=new_secret(), old_secrets=old, modified_ms=at_ms)
