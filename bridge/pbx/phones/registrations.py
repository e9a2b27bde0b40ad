"""The phones that are registered as an endpoint, asked of the PBX at each request.

The dialplan functions PJSIP_ENDPOINT, PJSIP_AOR and PJSIP_CONTACT tell them. Getvar reads them
with the right `call`, which the service has; PJSIPShowContacts would need `system`, and with that
right an AMI user can run programs.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Protocol

from bridge.calls.pbx import InvalidPbxValue, PbxOutcomeUnknown, PbxRefused, PbxUnavailable
from bridge.pbx.ami import values as ami_values
from bridge.pbx.ami.sent_action import succeeded
from bridge.pbx.ami.session import AmiSession
from bridge.pbx.ami.values import AmiAction
from bridge.supervision.tasks import awaited

CONTACTS_MAX = 20  # of one endpoint; an extension has 10 devices at most
QUESTIONS_AT_A_TIME = 8  # on the link that also places calls
_AGENT_MAX_CHARS = 255
_ADDRESS = re.compile(r"sips?:(?:[^@]*@)?(\[[0-9A-Fa-f:.]+\](?::\d+)?|[^;>?\s\[\]]+)")
_SECONDS = re.compile(r"[0-9]{1,10}\Z")
_STATIC = "@@"  # in the id of a contact that pjsip.conf names: trunk@@e5b9…


@dataclass(frozen=True, slots=True)
class Registration:
    """A phone that is registered as an extension.

    `address`: host and port to which the PBX sends. `expires_s`: when the registration ends, in
    seconds since 1970; None for a contact of pjsip.conf, which needs no registration. `since_ms`:
    when it began, in ms since 1970; None if that was not heard.
    """

    agent: str
    address: str
    expires_s: int | None
    since_ms: int | None = None


class RegistrationSource(Protocol):
    """Knows which phones are registered."""

    async def of(self, endpoint: str) -> tuple[Registration, ...] | None:
        """The registrations of an endpoint (`PJSIP/0003*210`); None if nobody tells."""


class Registrations:
    """Asks the PBX for registrations. A few questions at a time, whatever the requests ask."""

    def __init__(self, link: AmiSession) -> None:
        self._link = link
        self._turns = asyncio.Semaphore(QUESTIONS_AT_A_TIME)
        self._asked: dict[str, asyncio.Task[tuple[Registration, ...] | None]] = {}

    async def of(self, endpoint: str) -> tuple[Registration, ...] | None:
        """The registrations of an endpoint (`PJSIP/0003*210`); None if the PBX does not tell.

        At most CONTACTS_MAX of them. Two that ask the same at a time share one answer.
        """
        technology, _, name = endpoint.partition("/")
        if technology != "PJSIP":
            return None
        task = self._asked.get(name)
        if task is None:
            task = self._asked[name] = awaited(self._of(name), "registrations")
            task.add_done_callback(lambda _: self._asked.pop(name, None))
        return await asyncio.shield(task)

    async def contacts_of_aor(self, aor: str) -> list[str]:
        """The ids of its contacts, CONTACTS_MAX at most: those that phones have registered, and
        permanent ones (`is_permanent`).

        Raises InvalidPbxValue, PbxUnavailable, PbxOutcomeUnknown.
        """
        value = await self._value(f"PJSIP_AOR({ami_values.endpoint_name(aor)},contact)")
        return [ami_values.contact_id(x) for x in _listed(value)]

    async def _of(self, name: str) -> tuple[Registration, ...] | None:
        try:
            found = [await self._contact(x) for x in await self._contact_ids(name)]
        except (InvalidPbxValue, PbxOutcomeUnknown, PbxRefused, PbxUnavailable):
            return None
        return tuple(x for x in found if x is not None)

    async def _contact_ids(self, endpoint: str) -> list[str]:
        """Of an endpoint without a known AOR, those of the AOR of its own name."""
        endpoint = ami_values.endpoint_name(endpoint)
        found: list[str] = []
        for aor in _listed(await self._value(f"PJSIP_ENDPOINT({endpoint},aors)")) or [endpoint]:
            aor = ami_values.endpoint_name(aor)
            found += _listed(await self._value(f"PJSIP_AOR({aor},contact)"))
        return found[:CONTACTS_MAX]

    async def _contact(self, contact_id: str) -> Registration | None:
        """None if it is gone since."""
        name = ami_values.contact_id(contact_id)
        uri = await self._value(f"PJSIP_CONTACT({name},uri)")
        if not uri:
            return None
        if _STATIC in name:
            return Registration("", address_of(uri), None)
        agent = await self._value(f"PJSIP_CONTACT({name},user_agent)")
        expires = await self._value(f"PJSIP_CONTACT({name},expiration_time)")
        expires_s = int(expires) if _SECONDS.match(expires) else 0
        return Registration(agent[:_AGENT_MAX_CHARS], address_of(uri), expires_s)

    async def _value(self, function: str) -> str:
        """Empty where there is nothing, or the module of the function is not loaded."""
        async with self._turns:
            answer = await self._link.send(AmiAction("Getvar", (("Variable", function),)))
        return answer.get("Value", "") if succeeded(answer) else ""


def is_permanent(contact_id: str) -> bool:
    """Whether no phone has registered the contact of that id: it is a field of its aor."""
    return _STATIC in contact_id


def _listed(value: str) -> list[str]:
    return [x.strip() for x in value.split(",") if x.strip()][:CONTACTS_MAX]


def address_of(uri: str) -> str:
    """Host and port of a contact: `127.0.0.1:5070` of `sip:0003*210@127.0.0.1:5070;transport=tcp`.

    Empty for any other text than a SIP URI.
    """
    found = _ADDRESS.match(uri)
    return found[1] if found else ""
