"""Brings the phones of the directory into Asterisk, live, and takes those away that are gone.

A phone is an aor, an endpoint and an auth of the same name. The aor carries our mark in
`voicemail_extension`, a field that every version has, that only an aor with mailboxes uses, and
that nobody sees on a channel or on the wire. What has no mark was made by somebody else and is not
touched.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from bridge.calls.pbx import CallerId, InvalidPbxValue
from bridge.pbx import ami_values
from bridge.pbx.ari_client import AriEndpoint, AriRefused

log = structlog.get_logger()

MARK_FIELD = "voicemail_extension"
MARK_PREFIX = "uapi-bridge:"
INCOMPLETE = MARK_PREFIX + "incomplete"

_PHONE_NUMBER = re.compile(r"[A-Za-z0-9_.*+-]{1,60}\Z")
_CONTEXT = re.compile(r"[A-Za-z0-9_-]{1,79}\Z")
_SECRET = re.compile(r"[\x21-\x7e]{1,80}\Z")


@dataclass(frozen=True, slots=True)
class PhoneAccount:
    """One phone: it registers as `number` with `secret`. The caller id is what others see of it.

    `media_address`: the PBX's IP address for this phone's audio. On a loopback PBX `127.0.0.1`:
    otherwise Asterisk looks the machine's name up for every call, which can take seconds.
    """

    number: str
    secret: str = field(repr=False)
    caller_name: str = ""
    caller_number: str = ""
    context: str = "phones"
    video: bool = True
    media_address: str = ""


@dataclass(frozen=True, slots=True)
class ProvisioningResult:
    """Numbers, sorted. `conflicts` exist on the PBX without our mark; `failed` says why."""

    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)


class PhoneStore(Protocol):
    """The part of AriClient that is needed here."""

    async def endpoints(self, technology: str = "PJSIP") -> list[AriEndpoint]: ...

    async def dynamic_object(self, kind: str, name: str) -> dict[str, str] | None: ...

    async def put_dynamic_object(self, kind: str, name: str, fields: Mapping[str, str]) -> None: ...

    async def delete_dynamic_object(self, kind: str, name: str) -> bool: ...


async def provision(phones: Sequence[PhoneAccount], ari: PhoneStore) -> ProvisioningResult:
    """Make the PBX's phones exactly these; running it again changes nothing.

    Raises InvalidPbxValue before anything is changed, AriUnavailable when the PBX goes away in
    between: another run then finishes the work. A phone that the PBX refuses is in `failed`.
    The PBX sends no event for a phone that is removed: let the link ask again
    (AmiLink.refresh_endpoints) afterwards.
    """
    wanted = {phone.number: phone_objects(phone) for phone in phones}
    if len(wanted) != len(phones):
        raise InvalidPbxValue("two phones with the same number")
    existing = {one.resource for one in await ari.endpoints()}
    names = sorted(existing | wanted.keys())
    phones_made = [
        asyncio.create_task(_one_phone(ari, name, wanted.get(name), exists=name in existing))
        for name in names
    ]
    try:
        outcomes = await asyncio.gather(*phones_made)
    finally:
        # None goes on after a failure of another: it would undo what a later run does.
        for one in phones_made:
            one.cancel()
        await asyncio.gather(*phones_made, return_exceptions=True)
    done: dict[str, list[str]] = {}
    failed: dict[str, str] = {}
    for name, (outcome, why) in zip(names, outcomes, strict=True):
        if outcome == "failed":
            failed[name] = why
        done.setdefault(outcome, []).append(name)
    result = ProvisioningResult(
        added=tuple(done.get("added", ())),
        updated=tuple(done.get("updated", ())),
        removed=tuple(done.get("removed", ())),
        unchanged=tuple(done.get("unchanged", ())),
        conflicts=tuple(done.get("conflict", ())),
        failed=failed,
    )
    log.info("phones_provisioned", **{kind: len(names) for kind, names in done.items()})
    for number in result.conflicts:
        log.warning("phone_not_ours", number=number)
    for number, why in failed.items():
        log.error("phone_refused", number=number, why=why)
    return result


PhoneObjects = dict[str, dict[str, str]]


def phone_objects(phone: PhoneAccount) -> PhoneObjects:
    """Kind → fields, of the three objects that make this phone. Raises InvalidPbxValue."""
    if not _PHONE_NUMBER.match(phone.number):
        raise InvalidPbxValue("number: only letters, digits and _.*+- (1 to 60)")
    if not _CONTEXT.match(phone.context):
        raise InvalidPbxValue(f"{phone.number}: context: only letters, digits, _ and -")
    if not _SECRET.match(phone.secret):
        raise InvalidPbxValue(
            f"{phone.number}: secret: 1 to 80 printable ASCII characters without spaces"
        )
    shown = CallerId(phone.caller_name, phone.caller_number or phone.number)
    objects: PhoneObjects = {
        "aor": {
            "max_contacts": "1",
            # A phone that lost its address registers anew; the old contact must not stay.
            "remove_existing": "yes",
            "qualify_frequency": "0",
        },
        "endpoint": {
            "auth": phone.number,
            "aors": phone.number,
            "context": phone.context,
            "disallow": "all",
            "allow": "ulaw,alaw,h264,vp8" if phone.video else "ulaw,alaw",
            "callerid": ami_values.caller_id(shown, "caller_name"),
            "accountcode": phone.number,
            "allow_transfer": "yes",
            # Media goes through the PBX, so that recording and phones behind NAT work.
            "direct_media": "no",
            "rtp_symmetric": "yes",
            "force_rport": "yes",
            "rewrite_contact": "yes",
            # Always both, because an update leaves what it does not name.
            "media_address": _ip_address(phone.media_address),
            "bind_rtp_to_media_address": "yes" if phone.media_address else "no",
        },
        "auth": {"auth_type": "userpass", "username": phone.number, "password": phone.secret},
    }
    fingerprint = hashlib.sha256(json.dumps(objects, sort_keys=True).encode()).hexdigest()
    objects["aor"][MARK_FIELD] = MARK_PREFIX + fingerprint[:32]
    return objects


def _ip_address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value)) if value else ""
    except ValueError:
        raise InvalidPbxValue("media_address: must be an IP address") from None


async def _one_phone(
    ari: PhoneStore, name: str, wanted: PhoneObjects | None, *, exists: bool
) -> tuple[str, str]:
    """What was done with it, and why not where it failed."""
    try:
        aor = await ari.dynamic_object("aor", name)
        mark = (aor or {}).get(MARK_FIELD, "")
        ours = mark.startswith(MARK_PREFIX)
        if wanted is None:
            return (await _remove(ari, name), "") if ours else ("foreign", "")
        if (exists or aor is not None) and not ours:
            return "conflict", ""
        if exists and mark == wanted["aor"][MARK_FIELD]:
            return "unchanged", ""
        await _write(ari, name, wanted)
    except AriRefused as error:
        return "failed", str(error)
    return ("updated" if exists else "added"), ""


async def _write(ari: PhoneStore, name: str, wanted: PhoneObjects) -> None:
    """The mark with the fingerprint last: a run that ends half-way is repeated by the next."""
    await ari.put_dynamic_object("aor", name, wanted["aor"] | {MARK_FIELD: INCOMPLETE})
    await ari.put_dynamic_object("auth", name, wanted["auth"])
    await ari.put_dynamic_object("endpoint", name, wanted["endpoint"])
    await ari.put_dynamic_object("aor", name, wanted["aor"])


async def _remove(ari: PhoneStore, name: str) -> str:
    for kind in ("endpoint", "auth", "aor"):
        await ari.delete_dynamic_object(kind, name)
    return "removed"
