"""A running service and its PBX as the stage of flows: that of `make serve`, or one of your own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bridge.client import ApiError, NotReached, Timeline
from bridge.testing.flows.observed_client import ObservedClient
from bridge.testing.flows.stage import AnyPhone, NoSuchPhone
from bridge.testing.journal import Journal, Observation, Source
from bridge.testing.softphones.sipp_behaviour import refuses
from bridge.testing.softphones.sipp_phone import SippPhone
from bridge.testing.softphones.softphone import Softphone

_NOT_TOLD = ("type", "ms", "view", "channel", "sipCallId", "subscriptionId")
_PHRASES = {486: "Busy Here", 603: "Decline", 404: "Not Found", 480: "Temporarily Unavailable"}


@dataclass
class AttachedStage:
    """`secret_of` gives the SIP password of an extension, None if it is not known here.

    `sip` is where phones register.
    """

    api: ObservedClient
    journal: Journal
    sip: tuple[str, int]
    secret_of: Callable[[str], str | None]
    _phones: list[AnyPhone] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.journal.follow(self._sip_messages)

    @asynccontextmanager
    async def softphone(self, extension: str, tone_hz: int) -> AsyncIterator[Softphone]:
        """A baresip phone."""
        host, port = self.sip
        secret = self._secret(extension)
        phone = Softphone(extension, secret, server=host, port=port, tone_hz=tone_hz)
        self._phones.append(phone)
        async with phone:
            yield phone

    @asynccontextmanager
    async def refusing_phone(self, extension: str, status: int) -> AsyncIterator[SippPhone]:
        """A SIPp phone."""
        host, port = self.sip
        behaviour = refuses(status, _PHRASES.get(status, "Refused"), ring_ms=200)
        secret = self._secret(extension)
        phone = SippPhone(extension, secret, server=host, port=port, behaviour=behaviour)
        self._phones.append(phone)
        async with phone:
            yield phone

    async def note_timelines(self) -> None:
        """Add what the PBX told the service about the calls of the API, for a report."""
        for call_id in self.api.call_ids:
            try:
                timeline = await self.api.timeline(call_id)
            except (ApiError, NotReached):
                continue  # the report goes without it
            for entry in _of_timeline(call_id, timeline):
                self.journal.note(entry)

    def _secret(self, extension: str) -> str:
        secret = self.secret_of(extension)
        if secret is None:
            raise NoSuchPhone(
                f"no SIP password of {extension} is here: run this in the folder of the service, "
                "or name a file with --secrets"
            )
        return secret

    def _sip_messages(self) -> Iterator[Observation]:
        for phone in self._phones:
            for message in phone.log.messages:
                yield Observation(
                    message.wall_ms,
                    Source.SIP,
                    phone.name,
                    "sent" if message.sent else "received",
                    message.start_line,
                    message.raw,
                    message.call_id,
                    "pbx",
                    message.sent,
                )


def _of_timeline(call_id: str, timeline: Timeline) -> Iterator[Observation]:
    for entry in timeline.entries:
        facts = {k: v for k, v in entry.raw.items() if k not in _NOT_TOLD}
        text = ", ".join(f"{k}: {v}" for k, v in facts.items())
        detail = "\n".join(f"{k}: {v}" for k, v in entry.raw.items())
        is_webhook = entry.type == "webhook"
        status = entry.raw.get("status")
        kind = "received" if status is not None and 200 <= int(status) < 300 else "refused"
        yield Observation(
            entry.ms,
            Source.WEBHOOK if is_webhook else Source.PBX,
            str(entry.raw.get("host", "receiver")) if is_webhook else "pbx",
            kind if is_webhook else entry.type,
            text,
            detail,
            call_id,
            "service" if is_webhook else "",
        )
