"""A real Asterisk with the link and phones on it, for what a scripted server cannot show."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bridge.local_asterisk.installation import Installation
from bridge.local_asterisk.local_asterisk import AsteriskSecrets, LocalAsterisk
from bridge.pbx.ami.link import AmiLink
from bridge.pbx.ari.client import AriClient
from bridge.pbx.pbx_settings import AmiSettings, AriSettings, PhoneProfile
from bridge.pbx.phones.phone_objects import PhoneAccount
from bridge.testing.lab.asterisk_ports import free_asterisk_ports
from bridge.testing.softphones.softphone import AnswerPolicy, Softphone
from tests.scripted_ami.recording_listener import RecordingListener

SECRETS = AsteriskSecrets(
    ami_secret="ami-secret", ari_secret="ari-secret", ami_recording_secret="not-used"
)


def account(number: str, caller_name: str = "") -> PhoneAccount:
    return PhoneAccount(number, f"secret-of-{number[-3:]}", caller_name)


PROFILE = PhoneProfile(media_address="127.0.0.1")


@dataclass
class RealPbx:
    """The link is not started."""

    asterisk: LocalAsterisk
    ari: AriClient
    listener: RecordingListener
    link: AmiLink
    ami_settings: AmiSettings

    def phone(self, number: str, *, answer: AnswerPolicy = "auto") -> Softphone:
        secret = account(number).secret
        return Softphone(number, secret, port=self.asterisk.ports.sip, answer=answer)

    async def up(self) -> None:
        await self.link.start()
        await self.listener.until(lambda: self.link.link.up)


@asynccontextmanager
async def real_pbx(installation: Installation, folder: Path) -> AsyncIterator[RealPbx]:
    ports = free_asterisk_ports()
    asterisk = LocalAsterisk(
        installation=installation,
        state_dir=folder,
        ports=ports,
        secrets=SECRETS,
        public_network=False,
    )
    listener = RecordingListener()
    ari_url = f"http://127.0.0.1:{ports.http}/ari"
    await asterisk.start()
    try:
        async with AriClient(AriSettings(ari_url, "bridge", SECRETS.ari_secret)) as ari:
            ami = AmiSettings("127.0.0.1", ports.ami, "bridge", SECRETS.ami_secret)
            link = AmiLink(ami, endpoint_states=ari.endpoint_states)
            link.listen(listener)
            try:
                yield RealPbx(asterisk, ari, listener, link, ami)
            finally:
                await link.stop()
    finally:
        await asterisk.stop()
