"""One phone of the directory as Asterisk keeps it: aor, endpoint and auth of the same name."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bridge.calls.pbx import InvalidPbxValue
from bridge.directory.caller_ids import CallerId
from bridge.pbx.ami import values as ami_values
from bridge.pbx.ami.browser_endpoints import browser_name
from bridge.pbx.pbx_settings import EdgeAddress, PhoneProfile

LISTEN_NUMBER = "*97"
"""A phone dials it to listen to its messages."""

MARK_FIELD = "voicemail_extension"
MARK_PREFIX = f"{LISTEN_NUMBER};uapi-bridge="
"""Asterisk tells a phone that subscribes to its lamp this option of the aor as the number that its
key for messages dials. The dialplan ignores what follows the `;`."""
_EARLIER_PREFIX = "uapi-bridge:"

FINGERPRINT_FIELD = "record_on_feature"
"""Of the endpoint; used only with `one_touch_recording`, which our endpoints do not have. It has a
hash of all fields of the phone. In the aor it would be an aor written at each change of the phone.
Asterisk makes the contacts that are registered permanent when an aor is written."""

BROWSERS_MAX = 5
"""So many browsers may be registered as one extension: a dial string names them all."""

BROWSER_REGISTRATION_MAX_S = 600
"""A registration outlives the password that it was made with for so long at most."""

MAILBOX_CONTEXT = "uapi-voicemail"
"""Mailboxes are `0003*210@uapi-voicemail`."""

EDGE_ACL = "uapi-edge"
"""The list in acl.conf that has the address of the edge only. Without it nobody is let in."""

_OUR_AOR = MARK_PREFIX + "phone"
_AS_TOLD = {"yes": "true", "no": "false"}

PhoneObjects = dict[str, dict[str, str]]
"""Kind (`aor`, `endpoint`, `auth`) → its fields. A phone behind an edge has no `auth`."""

_PHONE_NUMBER = re.compile(r"[A-Za-z0-9_.*+-]{1,60}\Z")
_MAILBOX = re.compile(r"[0-9]+\*[0-9]+\Z")
_CONTEXT = re.compile(r"[A-Za-z0-9_-]{1,79}\Z")
_SECRET = re.compile(r"[\x21-\x7e]{1,80}\Z")


@dataclass(frozen=True, slots=True)
class PhoneAccount:
    """One phone: it registers as `number` with `secret`. The caller id is what others see of it.

    `webrtc`: browsers may register as well, at an endpoint of their own. `browsers_of`: this is
    that endpoint, of the phone of that number.
    """

    number: str
    secret: str = field(repr=False)
    caller_name: str = ""
    caller_number: str = ""
    context: str = "phones"
    devices: int = 1
    webrtc: bool = False
    browsers_of: str = ""


def browser_account(phone: PhoneAccount, secret: str) -> PhoneAccount:
    """The endpoint of the browsers of that phone."""
    return replace(
        phone,
        number=browser_name(phone.number),
        secret=secret,
        caller_number=phone.caller_number or phone.number,
        devices=BROWSERS_MAX,
        webrtc=False,
        browsers_of=phone.number,
    )


def phone_objects(phone: PhoneAccount, profile: PhoneProfile) -> PhoneObjects:
    """The objects that make this phone. Raises InvalidPbxValue."""
    if not _PHONE_NUMBER.match(phone.number):
        raise InvalidPbxValue("number: only letters, digits and _.*+- (1 to 60)")
    if not _CONTEXT.match(phone.context):
        raise InvalidPbxValue(f"{phone.number}: context: only letters, digits, _ and -")
    if not _SECRET.match(phone.secret):
        raise InvalidPbxValue(
            f"{phone.number}: secret: 1 to 80 printable ASCII characters without spaces"
        )
    mailbox = f"{phone.number}@{MAILBOX_CONTEXT}" if _MAILBOX.match(phone.number) else ""
    aors = [phone.number, browser_name(phone.number)] if phone.webrtc else [phone.number]
    shown = CallerId(phone.caller_name, phone.caller_number or phone.number)
    objects: PhoneObjects = {
        "aor": {
            "max_contacts": str(phone.devices),
            # A phone that lost its address registers anew; the oldest contact must not stay.
            "remove_existing": "yes",
            "qualify_frequency": str(profile.qualify_frequency_s),
            "mailboxes": mailbox,
        },
        "endpoint": {
            "auth": phone.number,
            # Its own first. With the aor of its browsers it tells whether anybody is there.
            "aors": ",".join(aors),
            "context": phone.context,
            "disallow": "all",
            "allow": profile.browser_codecs if phone.browsers_of else profile.codecs,
            "callerid": ami_values.caller_id(shown, "caller_name"),
            "accountcode": phone.browsers_of or phone.number,
            "allow_transfer": "yes",
            # The lamp: told without being asked, and to a phone that subscribes.
            "mailboxes": mailbox,
            "mwi_subscribe_replaces_unsolicited": "yes",
            "voicemail_extension": LISTEN_NUMBER,
            # Media goes through the PBX, so that recording and phones behind NAT work.
            "direct_media": "no",
            "rtp_symmetric": "yes",
            "force_rport": "yes",
            "rewrite_contact": "yes",
            # A phone that vanishes in mid-call says no BYE.
            "rtp_timeout": str(profile.rtp_timeout_s),
            "rtp_timeout_hold": str(profile.rtp_timeout_hold_s),
            "timers": profile.session_timers,
            "timers_sess_expires": str(profile.session_expires_s),
            # Always both, because an update leaves what it does not name.
            "media_address": _ip_address(profile.media_address),
            "bind_rtp_to_media_address": "yes" if profile.media_address else "no",
        },
        "auth": auth_object(phone.number, phone.secret),
    }
    if phone.browsers_of:
        # DTLS-SRTP with a certificate that Asterisk makes itself, ICE, one port for RTP and RTCP.
        objects["aor"]["maximum_expiration"] = str(BROWSER_REGISTRATION_MAX_S)
        objects["endpoint"] |= {"webrtc": "yes", "dtls_auto_generate_cert": "yes"}
        # Its password changes all the time; that alone does not make it anew.
        hashed = objects | {"auth": {}}
    else:
        hashed = objects
    if profile.edges:
        _put_behind(profile.edges, phone, objects)
    objects["aor"][MARK_FIELD] = _OUR_AOR
    fingerprint = hashlib.sha256(json.dumps(hashed, sort_keys=True).encode()).hexdigest()
    objects["endpoint"][FINGERPRINT_FIELD] = MARK_PREFIX + fingerprint[:32]
    return objects


def _put_behind(edges: Sequence[EdgeAddress], phone: PhoneAccount, objects: PhoneObjects) -> None:
    """Change the objects into those of a phone that registers at one of these edges.

    The edge has proved who calls, and says so in From. So the PBX asks for no password, and takes
    such a From from the address of the edge only. It calls the phone by the edge, which knows where
    it is; whether it is there, the service reads from the edge's table.
    """
    del objects["auth"]
    del objects["endpoint"]["auth"]
    for direct in ("max_contacts", "remove_existing"):
        del objects["aor"][direct]
    contacts = ",".join(_contacts_at(edges, phone))
    objects["aor"] |= {"contact": contacts, "qualify_frequency": "0"}
    objects["endpoint"] |= {
        "identify_by": "username",
        # By name: of `deny` and `permit` Asterisk's database keeps nothing, so that after a restart
        # the endpoint would let nobody in.
        "acl": EDGE_ACL,
        # The contact in a request is what the edge wrote there.
        "rewrite_contact": "no",
    }


def auth_object(name: str, secret: str) -> dict[str, str]:
    """The fields of the auth of that endpoint."""
    return {"auth_type": "userpass", "username": name, "password": secret}


def _contacts_at(edges: Sequence[EdgeAddress], phone: PhoneAccount) -> list[str]:
    # [all-devices] knows browsers by it. `transport` itself would be how to reach the edge.
    parameters = ";x-transport=ws" if phone.browsers_of else ""
    if len(edges) > 1:
        # [all-devices] rings the phone by each edge that lives, and one of them has it.
        parameters += ";x-edge"
    return [f"sip:{phone.number}@{x.uri_host}{parameters}" for x in edges]


def is_our_mark(mark: str) -> bool:
    """Whether the service has made the aor that has this in its MARK_FIELD, or the endpoint that
    has it in its FINGERPRINT_FIELD."""
    return mark.startswith((MARK_PREFIX, _EARLIER_PREFIX))


def has_fields(aor: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Whether the aor, as the PBX tells it, has these fields and a mark of today.

    Of `contact` see `registers_elsewhere`. Of an earlier version the fingerprint follows the mark.
    """
    if not aor.get(MARK_FIELD, "").startswith(MARK_PREFIX):
        return False
    fields = wanted.keys() - {MARK_FIELD, "contact"}
    return all(_as_told(aor.get(x, "")) == _as_told(wanted[x]) for x in fields)


def _as_told(value: str) -> str:
    return _AS_TOLD.get(value, value)


def registers_elsewhere(
    aor: Mapping[str, str], phone: PhoneAccount, edges: Sequence[EdgeAddress]
) -> bool:
    """Whether this aor, as the PBX tells it, is that of other edges, or of no edge.

    Its `contact` alone does not say: Asterisk tells there the contacts that phones have
    registered, too.
    """
    behind = aor.get("max_contacts", "0") == "0"
    if not behind or not edges:
        return behind != bool(edges)
    return set(aor.get("contact", "").split(",")) != set(_contacts_at(edges, phone))


def _ip_address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value)) if value else ""
    except ValueError:
        raise InvalidPbxValue("media_address: must be an IP address") from None
