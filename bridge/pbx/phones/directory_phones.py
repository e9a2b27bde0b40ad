"""The phones of the directory on the PBX: made at every start of the link and at every reload."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from bridge.calls.pbx import InvalidPbxValue, PbxOutcomeUnknown, PbxUnavailable
from bridge.directory.loader import CurrentDirectory
from bridge.directory.model import Extension
from bridge.faults import Fenced, StorageUnavailable
from bridge.pbx.ami.link import AmiLink
from bridge.pbx.ari.client import AriClient
from bridge.pbx.ari.errors import AriError
from bridge.pbx.pbx_settings import PhoneProfile
from bridge.pbx.phones.browser_secrets import BrowserSecrets
from bridge.pbx.phones.kept_registrations import KeptRegistrations
from bridge.pbx.phones.opus import OPUS_MODULES
from bridge.pbx.phones.phone_objects import PhoneAccount, browser_account
from bridge.pbx.phones.provisioning import ProvisioningResult, provision
from bridge.pbx.phones.registrations import Registrations
from bridge.supervision.conditions import Condition
from bridge.supervision.fair_share import in_turns
from bridge.supervision.tasks import awaited, in_background

if TYPE_CHECKING:
    from bridge.cluster.edge.subscribers import Subscribers

log = structlog.get_logger()

# asterisk-conf/pbx/extensions.conf: what a phone may dial.
CONTEXT_ANY, CONTEXT_LOCAL = "phones", "phones-local"

_FAULTS = (
    AriError,
    Fenced,
    InvalidPbxValue,
    PbxOutcomeUnknown,
    PbxUnavailable,
    StorageUnavailable,
)

RETRY_FIRST_S, RETRY_LAST_S = 2.0, 60.0
READY_AFTER_S = 10.0
"""Thousands of phones take longer; calls with existing phones do not wait for them."""


class DirectoryPhones:
    """`ready` is set once the phones have been made (or that failed, or lasts) for the first time.

    `problem` says what is still being made, or why it could not be, which is tried again.
    """

    def __init__(
        self,
        profile: PhoneProfile | None,
        directory: CurrentDirectory,
        ari: AriClient,
        link: AmiLink,
        browser_secrets: BrowserSecrets,
        subscribers: Subscribers | None = None,
    ) -> None:
        """`profile` None: no phone is made; the phones of the directory exist on the PBX
        already. `subscribers` of the edge, where the profile names one."""
        self._subscribers = subscribers
        self._profile = profile
        self._directory = directory
        self._ari = ari
        self._link = link
        self._browser_secrets = browser_secrets
        self._retry_s = RETRY_FIRST_S
        self._retry: asyncio.Task[None] | None = None
        self._running: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._kept = KeptRegistrations(ari, Registrations(link).contacts_of_aor)
        self._not_made: dict[str, Condition] = {}  # by number
        self._failing = Condition("provisioning_failing_began", "provisioning_failing_ended")
        self._making = ""
        self.ready = asyncio.Event()

    @property
    def problem(self) -> str:
        """Empty when every phone of the directory is on the PBX."""
        not_made = self._not_made
        some = [f"{number} {one.problem}" for number, one in list(not_made.items())[:3]]
        more = f" and {len(not_made) - 3} more" if len(not_made) > 3 else ""
        return self._making or self._failing.problem or "; ".join(some) + more

    @property
    def makes_phones(self) -> bool:
        """Whether the phones of the directory are made by the service."""
        return self._profile is not None

    @property
    def not_made(self) -> int:
        """How many phones of the directory the PBX does not take."""
        return len(self._not_made)

    async def provision(self) -> None:
        """Make, change and remove phones until the PBX matches the directory; a failure is logged,
        calls go on.

        A run that goes on already ends first: the directory in force may be another one.
        """
        self._stop_retry()
        await self._run(None)

    async def begin(self, time_limit_s: float) -> None:
        """As `provision`, but return after `time_limit_s` seconds at the latest; the work goes on
        in the background."""
        await asyncio.wait({in_background(self.provision(), "provision")}, timeout=time_limit_s)

    def stop(self) -> None:
        """Cancel the running work and the retry. The next start finishes what is left."""
        self._stop_retry()
        if self._running is not None:
            self._running.cancel()

    async def _run(self, only: Collection[str] | None) -> None:
        if self._running is not None:
            self._running.cancel()
        async with self._one_at_a_time:
            if self._profile is not None and not await self._to_its_end(self._profile, only):
                return  # there is a newer one
            self.ready.set()

    async def _to_its_end(self, profile: PhoneProfile, only: Collection[str] | None) -> bool:
        """False if a newer run ended it."""
        running = self._running = awaited(self._provision(profile, only), "provisioning")
        try:
            await asyncio.wait({running})
        finally:
            running.cancel()
            self._running = None
        return not running.cancelled()

    async def _provision(self, profile: PhoneProfile, only: Collection[str] | None) -> None:
        began_s = time.monotonic()

        def progress(done: int, of: int) -> None:
            self._making = f"{done} of {of} phones are changed on the PBX" if done < of else ""
            if time.monotonic() - began_s > READY_AFTER_S:
                self.ready.set()

        try:
            phones = await in_turns(self._accounts(), lambda x: x)
            if any(x.browsers_of for x in phones):
                profile = await self._with_opus(profile)
            if self._subscribers is not None:
                await self._subscribers.leave_only({x.number for x in phones})
            result = await provision(
                phones,
                profile,
                self._ari,
                only=only,
                progress=progress,
                kept=self._kept,
            )
            if self._subscribers is not None:
                made = (x for x in phones if x.number not in result.not_made)
                # Browsers register once a page has asked for their password, which then ends.
                await self._subscribers.keep(x for x in made if not x.browsers_of)
            else:
                self._browser_secrets.seen(x.browsers_of for x in phones if x.browsers_of)
            # Removing an endpoint causes no event: ask anew who can be reached.
            await self._link.refresh_endpoints()
        except _FAULTS as why:
            self._failed(str(why))
        except Exception as why:
            # A fault of ours; it must not keep the service "not ready".
            self._failed(f"unexpected: {type(why).__name__}", unexpected=True)
        else:
            self._done(result, time.monotonic() - began_s, again=only is not None)
        finally:
            self._making = ""

    def _done(self, result: ProvisioningResult, took_s: float, *, again: bool) -> None:
        self._failing.end()
        counts = {
            kind: len(numbers)
            for kind in ("added", "updated", "removed", "unchanged", "not_made")
            if (numbers := getattr(result, kind))
        }
        if not again or len(result.not_made) < len(self._not_made):
            log.info("phones_provisioned", **counts, took_s=round(took_s, 1))
        for number in self._not_made.keys() - result.not_made:
            self._not_made.pop(number).end()
        for number, why in result.not_made.items():
            condition = self._not_made.setdefault(
                number, Condition("phone_not_made_began", "phone_not_made_ended", extension=number)
            )
            condition.begin(why)
        if self._not_made:
            self._try_again(tuple(self._not_made))
        else:
            self._retry_s = RETRY_FIRST_S

    def _failed(self, why: str, *, unexpected: bool = False) -> None:
        self._failing.begin(why, exc_info=unexpected)
        self._try_again(None)

    def _try_again(self, only: Collection[str] | None) -> None:
        self._stop_retry()
        self._retry = in_background(self._again_in(self._retry_s, only), "provision_again")
        self._retry_s = min(2 * self._retry_s, RETRY_LAST_S)

    def _stop_retry(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    async def _again_in(self, delay_s: float, only: Collection[str] | None) -> None:
        await asyncio.sleep(delay_s)
        self._retry = None  # what it starts now must not end itself
        await self._run(only)

    async def _with_opus(self, profile: PhoneProfile) -> PhoneProfile:
        """Opus where the PBX can translate it; offered without that, it would end in silence."""
        if not OPUS_MODULES & await self._ari.running_modules():
            return profile
        return replace(profile, browser_codecs=f"opus,{profile.browser_codecs}")

    def _accounts(self) -> Iterator[PhoneAccount]:
        for extension in self._directory.directory.provisioned_phones():
            phone = self._account(extension)
            yield phone
            if extension.webrtc:
                yield browser_account(phone, self._browser_secrets.on_pbx(extension.number))

    def _account(self, extension: Extension) -> PhoneAccount:
        return PhoneAccount(
            extension.number,
            extension.sip_secret or "",
            extension.caller_name,
            extension.caller_number,
            context=CONTEXT_ANY if extension.may_call_public else CONTEXT_LOCAL,
            devices=extension.devices,
            webrtc=extension.webrtc,
        )
