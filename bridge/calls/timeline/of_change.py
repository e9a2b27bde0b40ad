"""The entries that a change of a call adds to its timeline. Pure.

A party is named by its view, a channel by its Uniqueid. Digits that a party presses are not told:
they may be a PIN. The halves of Local channels have no entries.
"""

from __future__ import annotations

from collections.abc import Iterator

from bridge.calls.live.change import Change
from bridge.calls.state import pbx_events as ev
from bridge.calls.state.effects import (
    CallConnected,
    CallEnded,
    CallTransferred,
    Effect,
    LegProgressed,
    LegStep,
)
from bridge.calls.state.holding import holds_since_ms
from bridge.calls.state.phone_call import FinalRecord, Leg, LegPhase, PhoneCall
from bridge.calls.timeline.entry import EntryType, Fact, TimelineEntry


def entries_of(change: Change, now_ms: int) -> list[TimelineEntry]:
    """The entries of the change, in order. `now_ms`: its moment where no event of the PBX tells it.

    It runs for each event of each call: most of them change one party, and have one entry.
    """
    before, after = change.before, change.after
    at_ms = now_ms if change.event is None else change.event.at_ms
    entries: list[TimelineEntry] = []
    became = _became(change)
    if became is not None:
        kind, other = became
        entries.append(TimelineEntry(at_ms, kind, {"phoneCallId": other}))
    elif before is None:
        for leg in after.legs:
            _dialled(entries, after, None, leg, at_ms)
    else:
        if before.channels is not after.channels:
            _hung_up(entries, change, before, at_ms)
        if before.legs is not after.legs:
            _parties(entries, change, before, at_ms)
        if before.joined is not after.joined:
            _joined(entries, change, before, at_ms)
        if before.taken_ms is None and after.taken_ms is not None:
            by = "pbx" if after.mailbox is None else "voicemail"
            entries.append(TimelineEntry(after.taken_ms, EntryType.TAKEN, {"by": by}))
    for effect in change.effects:
        entry = _of_effect(effect, after)
        if entry is not None:
            entries.append(entry)
    return entries


def _of_effect(effect: Effect, call: PhoneCall) -> TimelineEntry | None:
    if isinstance(effect, LegProgressed):
        return _of_leg(effect)
    if isinstance(effect, CallConnected):
        return TimelineEntry(effect.at_ms, EntryType.CONNECTED, {})
    if isinstance(effect, CallTransferred):
        return TimelineEntry(effect.at_ms, EntryType.TRANSFER, _of_transfer(effect, call))
    if isinstance(effect, CallEnded):
        return TimelineEntry(effect.final.at_ms, EntryType.ENDED, _of_end(effect.final))
    return None


def _of_leg(effect: LegProgressed) -> TimelineEntry | None:
    leg = effect.leg
    if effect.step is LegStep.DIALLED and leg.uniqueid is None:
        return _dial(effect.at_ms, leg)  # a conference has no channel
    if effect.step is LegStep.RINGING:
        kind = EntryType.RINGING
    elif effect.step is LegStep.ANSWERED:
        kind = EntryType.ANSWERED
    else:
        return None
    facts: dict[str, Fact] = {"view": leg.view_id}
    if leg.uniqueid is not None:
        facts["channel"] = leg.uniqueid
    return TimelineEntry(effect.at_ms, kind, facts)


def _dial(at_ms: int, leg: Leg, channel: str | None = None) -> TimelineEntry:
    facts: dict[str, Fact] = {"view": leg.view_id}
    if channel is not None:
        facts["channel"] = channel
    facts["direction"] = "in" if leg.calls_in else "out"
    if leg.forwarded_from is not None:
        facts["forwardedFrom"] = leg.forwarded_from
    return TimelineEntry(at_ms, EntryType.DIAL, facts)


def _dialled(
    entries: list[TimelineEntry], call: PhoneCall, before: Leg | None, leg: Leg, at_ms: int
) -> None:
    """A party gets its first channel, or one more phone of it rings. The effects of a call that
    another client of the PBX dials tell it later: once the called party is known."""
    if leg.uniqueid is None:
        return
    known = () if before is None else _channels(before)
    for uniqueid in _channels(leg):
        if uniqueid not in known:
            channel = call.channels.get(uniqueid)
            if channel is not None and not channel.local:
                entries.append(_dial(at_ms, leg, uniqueid))


def _has_other_channels(old: Leg, new: Leg) -> bool:
    return old.uniqueid != new.uniqueid or old.other_devices is not new.other_devices


def _channels(leg: Leg) -> tuple[str, ...]:
    own = () if leg.uniqueid is None else (leg.uniqueid,)
    return own + leg.other_devices


def _of_transfer(effect: CallTransferred, call: PhoneCall) -> dict[str, Fact]:
    facts: dict[str, Fact] = {} if effect.leg is None else {"view": effect.leg.view_id}
    facts["attended"] = effect.attended
    if not effect.attended and call.dialled:
        facts["target"] = call.dialled
    return facts


def _of_end(final: FinalRecord) -> dict[str, Fact]:
    facts: dict[str, Fact] = {
        "disposition": int(final.disposition),
        "by": final.by.value,
        "reason": final.reason,
    }
    return facts | _cause(final.cause, final.sip_code)


def _cause(cause: int | None, sip_code: int | None) -> dict[str, Fact]:
    facts: dict[str, Fact] = {}
    if cause is not None:
        facts["hangupCause"] = cause
    if sip_code is not None:
        facts["sipCode"] = sip_code
    return facts


def _hung_up(entries: list[TimelineEntry], change: Change, before: PhoneCall, at_ms: int) -> None:
    """A channel that is gone without an event of it has no cause: nobody knows it."""
    event, still, final = change.event, change.after.channels, change.after.final
    if before.channels.keys() <= still.keys():
        return
    for uniqueid, channel in before.channels.items():
        if uniqueid in still or channel.local:
            continue
        facts: dict[str, Fact] = {"channel": uniqueid}
        for leg in before.legs:
            if uniqueid == leg.uniqueid or uniqueid in leg.other_devices:
                facts["view"] = leg.view_id
                break
        if isinstance(event, ev.ChannelHungUp) and event.uniqueid == uniqueid:
            facts |= _cause(event.cause, event.sip_code)
            entries.append(TimelineEntry(event.at_ms, EntryType.HANGUP, facts))
        else:
            unseen_ms = at_ms if final is None else final.at_ms
            entries.append(TimelineEntry(unseen_ms, EntryType.HANGUP, facts))


def _became(change: Change) -> tuple[EntryType, str] | None:
    """The other call that this one has become a part of, or was one with until now."""
    before, after = change.before, change.after
    if change.goes_on_in:
        return EntryType.JOINED, change.goes_on_in
    if before is None:
        return None if after.split_from is None else (EntryType.SPLIT, after.split_from)
    if before.split_off is not after.split_off and before.joined is after.joined:
        return EntryType.SPLIT, after.split_off[-1]
    return None


def _joined(entries: list[TimelineEntry], change: Change, before: PhoneCall, at_ms: int) -> None:
    """A dial that another call's channel answers is a pick-up."""
    kind = EntryType.PICKED_UP if isinstance(change.event, ev.DialEnded) else EntryType.JOINED
    entries.extend(
        TimelineEntry(at_ms, kind, {"phoneCallId": x})
        for x in change.after.joined[len(before.joined) :]
    )


def _parties(entries: list[TimelineEntry], change: Change, before: PhoneCall, at_ms: int) -> None:
    """Dials, holds, parking, and the transfers of which the PBX says nothing: those by the API."""
    after, old_legs = change.after, before.legs
    # Parties that come from another call, or that a list of the PBX shows, were dialled before.
    may_dial = change.event is not None and before.joined is after.joined
    for at, new in enumerate(after.legs):
        old = old_legs[at] if at < len(old_legs) else None
        if old is new:
            continue
        if may_dial and (old is None or _has_other_channels(old, new)):
            _dialled(entries, after, old, new, at_ms)
        if old is None or old.view_id != new.view_id:
            continue
        if old.on_hold_ms != new.on_hold_ms or old.api_hold is not new.api_hold:
            entries += _hold(old, new, at_ms)
        if old.parking is not new.parking:
            entries += _parking(old, new, at_ms)
        if old.handed_over is not new.handed_over and change.event is None:
            entries.append(_handed_over(after, new, at_ms))


def _hold(old: Leg, new: Leg, at_ms: int) -> Iterator[TimelineEntry]:
    held, holds = holds_since_ms(old) is not None, holds_since_ms(new) is not None
    if held is not holds and new.phase is LegPhase.UP:
        kind = EntryType.HOLD if holds else EntryType.UNHOLD
        yield TimelineEntry(at_ms, kind, {"view": new.view_id})


def _parking(old: Leg, new: Leg, at_ms: int) -> Iterator[TimelineEntry]:
    facts: dict[str, Fact] = {"view": new.view_id}
    if new.parked:
        assert new.parking is not None  # noqa: S101 - it is parked
        if new.parking.place:
            facts["place"] = new.parking.place
        if new.parking.by is not None:
            facts["parkedBy"] = new.parking.by
        yield TimelineEntry(new.parking.since_ms, EntryType.PARKED, facts)
    elif old.parked:
        facts["returns"] = new.parking is not None
        yield TimelineEntry(at_ms, EntryType.PARKING_ENDED, facts)


def _handed_over(call: PhoneCall, leg: Leg, at_ms: int) -> TimelineEntry:
    facts: dict[str, Fact] = {"view": leg.view_id}
    if not leg.handed_over:
        return TimelineEntry(at_ms, EntryType.TRANSFER_UNDONE, facts)
    facts["attended"] = False
    if call.dialled:
        facts["target"] = call.dialled
    return TimelineEntry(at_ms, EntryType.TRANSFER, facts)
