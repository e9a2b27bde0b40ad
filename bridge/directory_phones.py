"""The phones of the directory on the PBX: made at every start of the link and at every reload."""

from __future__ import annotations

import asyncio

import structlog

from bridge.calls.pbx import InvalidPbxValue
from bridge.directory.loader import CurrentDirectory
from bridge.directory.model import Extension
from bridge.pbx.ami_link import AmiLink
from bridge.pbx.ari_client import AriClient, AriError
from bridge.pbx.provisioning import PhoneAccount, ProvisioningResult, provision
from bridge.settings import Settings

log = structlog.get_logger()

# asterisk-conf/pbx/extensions.conf: what a phone may dial.
CONTEXT_ANY, CONTEXT_LOCAL = "phones", "phones-local"


RETRY_FIRST_S, RETRY_LAST_S = 2.0, 60.0


class DirectoryPhones:
    """`ready` is set once the phones have been made (or that failed) for the first time.

    `problem` says why they could not be made; that is tried again until they are.
    """

    def __init__(
        self, settings: Settings, directory: CurrentDirectory, ari: AriClient, link: AmiLink
    ) -> None:
        self._enabled = settings.provision_phones
        self._media_address = settings.phone_media_address
        self._directory = directory
        self._ari = ari
        self._link = link
        self._one_at_a_time = asyncio.Lock()
        self._retry_s = RETRY_FIRST_S
        self._retry: asyncio.Task[None] | None = None
        self.ready = asyncio.Event()
        self.problem = ""

    async def provision(self) -> None:
        """Make the PBX's phones those of the directory; a failure is logged, calls go on."""
        if self._enabled:
            phones = [self._account(x) for x in self._directory.directory.provisioned_phones()]
            async with self._one_at_a_time:
                await self._provision(phones)
        self.ready.set()

    async def _provision(self, phones: list[PhoneAccount]) -> None:
        try:
            result = await provision(phones, self._ari)
        except (AriError, InvalidPbxValue) as why:
            self._failed(str(why))
            return
        self.problem, self._retry_s = "", RETRY_FIRST_S
        # Removing an endpoint causes no event: ask anew who can be reached.
        await self._link.refresh_endpoints()
        _log_result(result)

    def stop(self) -> None:
        if self._retry is not None:
            self._retry.cancel()

    def _failed(self, why: str) -> None:
        if why != self.problem:  # one line for one problem, however often it is tried
            log.error("phones not provisioned; tried again until they are", why=why)
        self.problem = why
        self.stop()
        self._retry = asyncio.create_task(self._again_in(self._retry_s))
        self._retry_s = min(2 * self._retry_s, RETRY_LAST_S)

    async def _again_in(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        self._retry = None  # what it starts now must not end itself
        await self.provision()

    def _account(self, extension: Extension) -> PhoneAccount:
        return PhoneAccount(
            extension.number,
            extension.sip_secret or "",
            extension.caller_name,
            extension.caller_number,
            context=CONTEXT_ANY if extension.may_call_public else CONTEXT_LOCAL,
            media_address=self._media_address,
        )


def _log_result(result: ProvisioningResult) -> None:
    for number, reason in result.failed.items():
        log.error("phone not provisioned", phone=number, why=reason)
    for number in result.conflicts:
        log.error("phone exists on the PBX and is not ours; left alone", phone=number)
