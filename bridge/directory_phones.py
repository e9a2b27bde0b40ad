"""The phones of the directory on the PBX: made at every start of the link and at every reload."""

from __future__ import annotations

import asyncio

import structlog

from bridge.directory.loader import CurrentDirectory
from bridge.directory.model import Extension
from bridge.pbx.ami_link import AmiLink
from bridge.pbx.ari_client import AriClient, AriError
from bridge.pbx.provisioning import PhoneAccount, ProvisioningResult, provision
from bridge.settings import Settings

log = structlog.get_logger()

# asterisk-conf/pbx/extensions.conf: what a phone may dial.
CONTEXT_ANY, CONTEXT_LOCAL = "phones", "phones-local"


class DirectoryPhones:
    """`ready` is set once the phones have been made (or that failed) for the first time."""

    def __init__(
        self, settings: Settings, directory: CurrentDirectory, ari: AriClient, link: AmiLink
    ) -> None:
        self._enabled = settings.provision_phones
        self._media_address = settings.phone_media_address
        self._directory = directory
        self._ari = ari
        self._link = link
        self._one_at_a_time = asyncio.Lock()
        self.ready = asyncio.Event()

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
        except AriError as why:
            log.error("phones not provisioned", why=str(why))
            return
        # Removing an endpoint causes no event: ask anew who can be reached.
        await self._link.refresh_endpoints()
        _log_result(result)

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
