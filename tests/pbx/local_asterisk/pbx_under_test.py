"""A started PBX with AMI, ARI and phones."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

import aiohttp

from bridge.directory.number_rules import NumberRules
from bridge.local_asterisk.local_asterisk import AsteriskSecrets
from bridge.pbx.ari.dialplan_values import NUMBERS, numbers_value
from bridge.testing.eventually import eventually
from bridge.testing.lab.plain_ami import Fields, PlainAmi
from bridge.testing.lab.public_network import CallableAsterisk

from .scripted_phone import Dialog, ScriptedPhone


class PbxUnderTest:
    """Closes what it opened."""

    def __init__(self, asterisk: CallableAsterisk, users: AsteriskSecrets) -> None:
        self.asterisk = asterisk
        self.ami = PlainAmi()
        self._users = users
        self._phones: list[ScriptedPhone] = []

    async def open(self) -> None:
        ports = self.asterisk.ports
        await self.ami.open(
            ports.bind_address, ports.ami, self._users.ami_user, self._users.ami_secret
        )
        self._ari = aiohttp.ClientSession(
            f"http://{ports.bind_address}:{ports.http}",
            headers={
                "Authorization": aiohttp.encode_basic_auth(
                    self._users.ari_user, self._users.ari_secret
                )
            },
        )
        # As the service does; before that no public number is let through.
        rules = {"variable": NUMBERS, "value": numbers_value(NumberRules())}
        async with self._ari.post("/ari/asterisk/variable", json=rules) as answer:
            assert answer.status == 204, await answer.text()

    @asynccontextmanager
    async def recording_ami(self) -> AsyncIterator[PlainAmi]:
        """A session of the user for recording."""
        ports, users = self.asterisk.ports, self._users
        ami = PlainAmi()
        await ami.open(
            ports.bind_address, ports.ami, users.ami_recording_user, users.ami_recording_secret
        )
        try:
            yield ami
        finally:
            await ami.close()

    async def close(self) -> None:
        for phone in self._phones:
            phone.close()
        await self._ari.close()
        await self.ami.close()

    async def phone(self, name: str, **endpoint: str) -> ScriptedPhone:
        """A provisioned phone that answers at once."""
        ports = self.asterisk.ports
        phone = ScriptedPhone(name, (ports.bind_address, ports.sip))
        await phone.open()
        self._phones.append(phone)
        await self.provision("aor", name, contact=phone.contact)
        await self.provision(
            "endpoint",
            name,
            **{
                "aors": name,
                "context": "phones",
                "disallow": "all",
                "allow": "ulaw,h264",
                "callerid": f'"Phone {name[-3:]}" <{name}>',
                "direct_media": "no",
                "media_address": ports.bind_address,
                "bind_rtp_to_media_address": "yes",
            }
            | endpoint,
        )
        return phone

    async def provision(self, kind: str, name: str, **fields: str) -> None:
        body = {"fields": [{"attribute": key, "value": value} for key, value in fields.items()]}
        async with self._ari.put(_path(kind, name), json=body) as answer:
            assert answer.status == 200, await answer.text()

    async def provisioned(self, kind: str, name: str) -> bool:
        async with self._ari.get(_path(kind, name)) as answer:
            return answer.status == 200

    async def unprovision(self, kind: str, name: str) -> None:
        async with self._ari.delete(_path(kind, name)) as answer:
            assert answer.status == 204, await answer.text()

    async def call(
        self,
        source: str,
        destination: str,
        *variables: str,
        caller_id: str = '"Source" <5551>',
        codecs: str = "ulaw",
    ) -> str:
        """A call of the API as the bridge makes it; the id of the call."""
        call_id = secrets.token_hex(10)
        parts = source.split("&")
        channel = source
        forked: tuple[tuple[str, str], ...] = ()
        if len(parts) > 1:
            channel = "Local/ring@bridge-source/n"
            forked = (
                ("OtherChannelId", secrets.token_hex(10)),
                ("Variable", f"BRIDGE_SOURCES={source}"),
            )
        answer = await self.ami.action(
            "Originate",
            *(("Variable", variable) for variable in variables),
            ("Variable", f"BRIDGE_DESTINATION={destination}"),
            *forked,
            Channel=channel,
            Context="bridge-call",
            Exten="dial",
            Priority="1",
            CallerID=caller_id,
            Codecs=codecs,
            Async="true",
            ChannelId=call_id,
            Timeout="20000",
        )
        assert answer["Response"] == "Success", answer
        return call_id

    async def bridged(self, channel_id: str, timeout_s: float = 20) -> None:
        """Until that channel is connected with another."""

        async def connected() -> bool:
            channels = await self.ami.channels()
            return any(x["Uniqueid"] == channel_id and x["BridgeId"] for x in channels)

        await eventually(connected, timeout_s)

    async def ended(self, channel_id: str, timeout_s: float = 20) -> Fields:
        """The Hangup of a channel."""
        return await self.ami.wait_for(
            lambda event: event["Event"] == "Hangup" and event["Uniqueid"] == channel_id,
            timeout_s,
        )

    async def status_of_dialling(self, phone: ScriptedPhone, number: str) -> int:
        """What a phone is answered that dials a number; an answered call is hung up."""
        dialog: Dialog = await phone.dial(number)
        status = await phone.final_status(dialog)
        if status == 200:
            await phone.hang_up(dialog)
        return status


def _path(kind: str, name: str) -> str:
    return f"/ari/asterisk/config/dynamic/res_pjsip/{kind}/{quote(name, safe='*')}"
