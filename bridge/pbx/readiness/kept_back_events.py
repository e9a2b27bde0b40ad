"""The events that no call of the readiness check makes, and whether manager.conf keeps them back.

For a check nobody transfers, parks, registers or enters a conference. So the file itself is read,
by whichever AMI user may: the one for recording may, as docs/own-asterisk.md writes it.
"""

from __future__ import annotations

from collections.abc import Mapping

from bridge.pbx.ami.event_decode import EVENT_NAMES
from bridge.pbx.ami.message import Headers
from bridge.pbx.pbx_settings import AmiSettings
from bridge.pbx.readiness.ami import AmiLook
from bridge.pbx.readiness.config_files import lines_of, read_sections
from bridge.pbx.readiness.event_filter import kept_back
from bridge.pbx.readiness.finding import Finding, advice, note, ok

USED_EVENTS = EVENT_NAMES | {"Shutdown"}
"""Each event that docs/own-asterisk.md lets through."""

_HOLD = "a call on hold is shown as one in talk"
_TRANSFER = "transfers by phones are not followed"
_CONFERENCE = "a call moved into a conference, or out of one, shows the number that it had before"
_QUEUE = "QueueCallerLeave"
LOSSES: Mapping[str, str] = {
    "Hold": _HOLD,
    "Unhold": _HOLD,
    "AttendedTransfer": _TRANSFER,
    "BlindTransfer": _TRANSFER,
    "ParkedCall": "who parks a call by a feature code is shown in it until its phone hangs up",
    "ConfbridgeJoin": _CONFERENCE,
    "ConfbridgeLeave": _CONFERENCE,
    _QUEUE: "a caller whom others move out of a queue, while no agent rings, is shown in it",
    "MessageWaiting": "messages in mailboxes are not heard of",
    "PeerStatus": "phones that come and go are not heard of",
    "ContactStatus": "phones that come and go are heard of late",
    "Shutdown": "a stop of Asterisk is noticed late",
}
"""By the event, the price of its absence."""

_RIGHTS_TO_QUEUES = {"agent", "all"}
_AND_RIGHT = ", and add agent to `read`"


async def kept_back_findings(
    look: AmiLook, recording: AmiSettings | None, *, voicemail: bool
) -> list[Finding]:
    """`recording`: the user for recording, None if nothing is recorded. `voicemail`: the directory
    has an extension whose mailbox takes calls."""
    user = look.settings.username
    events = [x for x in LOSSES if voicemail or x != "MessageWaiting"]
    sections = await read_sections(look, recording, "manager.conf", (user, "general"))
    if sections is None:
        return [
            note(
                f"the event filters of [{user}] could not be read",
                f"manager.conf: see that no eventfilter of [{user}] and no `disabledevents` keeps "
                f"one of these back: {', '.join(events)}",
            )
        ]
    of_user, general = sections
    disabled = dict(lines_of(general)).get("disabledevents", "")
    missing = kept_back(events, lines_of(of_user), disabled)
    if _QUEUE not in missing and not _RIGHTS_TO_QUEUES & _read_rights(of_user):
        missing.append(_QUEUE)
    if not missing:
        return [ok(f"manager.conf [{user}]: no event that is used is kept back")]
    return [
        advice(
            f"event {x} is kept back: {LOSSES[x]}",
            f"manager.conf: let it through in an eventfilter of [{user}], and take it out of "
            f"`disabledevents`{_AND_RIGHT if x == _QUEUE else ''}; or leave it, where nobody needs "
            "that",
        )
        for x in missing
    ]


def _read_rights(section: Headers) -> set[str]:
    return {x.strip() for x in dict(lines_of(section)).get("read", "all").split(",")}
