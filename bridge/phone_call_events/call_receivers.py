"""The URLs that hear the states of single calls (`statusUrl` of a create).

Each is a subscription of one call, in a row of its own, which is written with the first state. It
is in memory as long as something of it waits. All of one app are signed with one secret.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Container, Iterator
from dataclasses import replace

from bridge.calls.call_records import Companions
from bridge.calls.live.change import Change
from bridge.calls.state.phone_call import PhoneCall
from bridge.clock import now_ms
from bridge.faults import StorageUnavailable
from bridge.phone_call_events.call_states import states_of
from bridge.phone_call_events.delivery import NewDelivery, delivery_id
from bridge.phone_call_events.event_details import details_text
from bridge.phone_call_events.event_numbers import EventNumbers
from bridge.phone_call_events.rights import Rights
from bridge.phone_call_events.secret_replacement import with_new_secret
from bridge.phone_call_events.store.app_secret_store import AppSecretStore
from bridge.phone_call_events.store.delivery_store import write_event
from bridge.phone_call_events.store.receiver_store import insert_receiver
from bridge.phone_call_events.subscription import (
    AppSecret,
    Subscription,
    new_secret,
    receiver_of_call,
)
from bridge.storage.statement import Write

# The directory of this instance may lack an app for a while: a mistake, or an update of several.
MISSING_MS = 24 * 3600 * 1000
_REMOVED_AT_ONCE = 200
_READ_AT_ONCE = 500
_ID_PREFIX = "status"


class CallReceivers:
    """`written` is told the receiver that has one more state to be delivered."""

    def __init__(
        self,
        secrets: AppSecretStore,
        rights: Rights,
        numbers: EventNumbers,
        age_max_s: float,
        written: Callable[[str], None],
    ) -> None:
        self._store = secrets
        self._rights = rights
        self._numbers = numbers
        self._age_max_ms = int(age_max_s * 1000)
        self._written = written
        self._secrets: dict[str, AppSecret] = {}
        self._receivers: dict[str, Subscription] = {}
        self._missing_since_ms: dict[str, int] = {}
        self._changing = asyncio.Lock()

    def __iter__(self) -> Iterator[Subscription]:
        return iter(list(self._receivers.values()))

    async def start(self) -> None:
        """Take up the receivers for which something waits. Raises StorageUnavailable.

        Of several instances each takes up its share later, by `know`.
        """
        await self._load_secrets()
        if self._numbers.shared:
            return
        for receiver in await self._store.waiting_receivers():
            if receiver.client_id in self._secrets:
                self._keep(receiver)

    async def hear_secrets(self, _: Collection[str] | None = None) -> None:
        """Another instance may have replaced some. Raises StorageUnavailable."""
        async with self._changing:
            await self._load_secrets()
        self._sign_anew()

    async def _load_secrets(self) -> None:
        self._secrets = {x.client_id: x for x in await self._store.load()}

    def _sign_anew(self) -> None:
        for receiver in self:
            secret = self._secrets.get(receiver.client_id)
            if secret is not None and secret.secret != receiver.secret:
                self._keep(receiver)

    async def know(self, ids: Collection[str]) -> None:
        """Take up those of these ids that other instances made. Raises StorageUnavailable."""
        unknown = [x for x in ids if x.startswith(_ID_PREFIX) and x not in self._receivers]
        for begin in range(0, len(unknown), _READ_AT_ONCE):
            found = await self._store.receivers_of(unknown[begin : begin + _READ_AT_ONCE])
            if any(x.client_id not in self._secrets for x in found):
                await self.hear_secrets()
            for receiver in found:
                if receiver.client_id in self._secrets:
                    self._keep(receiver)

    def get(self, receiver_id: str) -> Subscription | None:
        """The one with that id, if something of it waits."""
        return self._receivers.get(receiver_id)

    def let_go(self, receiver_id: str) -> None:
        """Forget it until the next state of its call."""
        self._receivers.pop(receiver_id, None)

    # The secrets of apps

    def known_secret(self, client_id: str) -> str:
        """The secret of an app that has one. Raises KeyError."""
        return self._secrets[client_id].secret

    async def secret_of(self, client_id: str) -> str:
        """The secret of the app, on disk; made at the first call. Raises StorageUnavailable."""
        if client_id not in self._secrets:
            async with self._changing:
                if client_id not in self._secrets:
                    await self._store.insert(AppSecret(client_id, new_secret()))
                    self._secrets |= {x.client_id: x for x in await self._store.load()}
        return self.known_secret(client_id)

    async def replace_secret(
        self,
        client_id: str,
        keep_s: int,
        first: Callable[[AppSecret], Write | None] = lambda _: None,
    ) -> AppSecret:
        """As with_new_secret; `first` gets the new one, its write comes before.

        Raises TooManySecrets, StorageUnavailable, StoppedByGuard.
        """
        await self.secret_of(client_id)
        async with self._changing:
            if self._numbers.shared:
                await self._load_secrets()
            secret = with_new_secret(self._secrets[client_id], keep_s, now_ms())
            while not await self._store.update(secret, self.known_secret(client_id), first(secret)):
                # Another instance was faster, or an update with an unknown outcome is on disk.
                await self._load_secrets()
                if client_id not in self._secrets:
                    raise StorageUnavailable("the secret of the app has just been removed")
                secret = with_new_secret(self._secrets[client_id], keep_s, now_ms())
            self._secrets[client_id] = secret
            self._sign_anew()
        await self._store.heard()
        return secret

    async def purge_secrets(self, at_ms: int, apps: Container[str]) -> int:
        """Remove the secrets of apps that were missing in `apps` for a day; returns how many.

        A secret stays while rows of its receivers remain. At most 200 are looked at. Raises
        StorageUnavailable.
        """
        missing = [x for x in self._secrets if x not in apps]
        self._missing_since_ms = {x: self._missing_since_ms.get(x, at_ms) for x in missing}
        due = [x for x in missing if at_ms - self._missing_since_ms[x] >= MISSING_MS]
        return sum([await self._remove_secret(x) for x in due[:_REMOVED_AT_ONCE]])

    async def _remove_secret(self, client_id: str) -> bool:
        async with self._changing:
            secret = self._secrets.pop(client_id)  # an app that comes back now waits for its turn
            removed = False
            try:
                removed = await self._store.remove_unused(client_id)
            finally:
                if not removed:
                    self._secrets[client_id] = secret
            return removed

    # The states of calls

    def of_change(self, change: Change) -> Companions | None:
        """The rows of this change; None for nearly all changes: the call has no such URL."""
        call = change.after
        if call.status_url is None or not change.effects:
            return None
        states = states_of(change)
        receiver = self._of_call(call) if states else None
        if receiver is None:
            return None
        rows = [insert_receiver(receiver)]
        for state in states:
            delivery = NewDelivery(
                id=delivery_id(receiver.id, call.id, state.part),
                subscription_id=receiver.id,
                call_id=call.id,
                occurred_ms=state.at_ms,
                give_up_ms=now_ms() + self._age_max_ms,
                parameters="",
                details=details_text(state.facts, call.metadata),
                extension_sequence=self._numbers.next(),
            )
            rows += write_event([delivery], receiver.extension if self._numbers.shared else "")
        return Companions(rows, lambda: self._tell(call))

    def _tell(self, call: PhoneCall) -> None:
        """It may have been let go while the rows were written."""
        receiver = self._of_call(call)
        if receiver is not None:
            self._written(receiver.id)

    def _of_call(self, call: PhoneCall) -> Subscription | None:
        """None where the app may not hear of the extension any more."""
        receiver_id = f"{_ID_PREFIX}{call.id}"
        known = self._receivers.get(receiver_id)
        if known is not None:
            return known if self._rights.may_hear(known) else None
        secret = self._secrets.get(call.client_id or "")
        if secret is None or call.status_url is None:
            return None
        receiver = receiver_of_call(
            receiver_id,
            extension=call.extension or "",
            url=call.status_url,
            client_id=secret.client_id,
            modified_ms=call.published_ms,
            call_id=call.id,
        )
        return self._keep(receiver) if self._rights.may_hear(receiver) else None

    def _keep(self, receiver: Subscription) -> Subscription:
        secret = self._secrets[receiver.client_id]
        signed = replace(receiver, secret=secret.secret, old_secrets=secret.old_secrets)
        self._receivers[receiver.id] = signed
        return signed
