"""The record of one recorded call, and its media files.

All moments are wall clock milliseconds since the epoch.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum


class Mute(IntEnum):
    """Which sides of the recording are silent: a mask, as `mute` of MuteRecording."""

    NONE = 0
    SOURCE = 1
    DESTINATION = 2
    BOTH = 3


@dataclass(frozen=True, slots=True)
class Media:
    """One file of audio. `name` is without its extension `format` (`wav`, or `raw` for stereo).

    `channel` is the Uniqueid of the channel that is recorded, `mixmonitor_id` the PBX's name for
    this recording on it, empty while it is not known. `bytes` and `sha256` are known some time
    after the end; a file that was not there then has 0 bytes and no checksum.
    """

    part: int
    name: str
    format: str
    channel: str
    started_ms: int
    mixmonitor_id: str = ""
    ended_ms: int | None = None
    bytes: int | None = None
    length_ms: int | None = None
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class ConversationParty:
    """`number` is the extended extension number or the public number."""

    number: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """`id` is a GUID (`callID`), `linkedid` Asterisk's (`platformCallID`), `native_id` the Uniqueid
    of the channel recorded first, `meeting_id` the conference's number.

    `extension`, `user_id`, `user_name` tell who pays the call. `numbers` holds each way to write
    every number that called or was called. `direction` is the Flow of the PhoneCall. `cause` is the
    Q.850 cause of its end.
    """

    id: str
    pbx: str
    call_id: str
    linkedid: str
    native_id: str
    organization: str | None
    extension: str | None
    user_id: int | None
    user_name: str
    source: ConversationParty
    destination: ConversationParty
    direction: int
    started_ms: int
    meeting_id: str = ""
    ended_ms: int | None = None
    cause: int | None = None
    on_demand: bool = False
    mute: Mute = Mute.NONE
    numbers: frozenset[str] = frozenset()
    media: tuple[Media, ...] = ()

    @property
    def running(self) -> Media | None:
        """The file that is being written, as far as is known."""
        return next((x for x in self.media if x.ended_ms is None), None)

    @property
    def unmeasured(self) -> bool:
        """Whether the size of a file is still to be found out."""
        return any(x.bytes is None for x in self.media)

    def with_media(self, media: Media) -> Conversation:
        """With this file in place of the one of the same part, or in addition."""
        others = tuple(x for x in self.media if x.part != media.part)
        return replace(self, media=tuple(sorted((*others, media), key=lambda x: x.part)))

    def without_media(self, part: int) -> Conversation:
        """The same conversation without the media of that part."""
        return replace(self, media=tuple(x for x in self.media if x.part != part))


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of a conversation. The database decides them, also between several instances.

    `deletion_ms`: since when it is marked for deletion. `failure` says why the last attempt to
    remove its files failed; None while none has.
    """

    protected: bool = False
    deletion_ms: int | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class StoredConversation:
    """A conversation with its marks, as read from the database."""

    conversation: Conversation
    marks: Marks = field(default_factory=Marks)


@dataclass(frozen=True, slots=True)
class Marker:
    """A named stretch of a conversation, in milliseconds from its start; `end_ms` None: open."""

    number: int
    name: str
    start_ms: int
    end_ms: int | None = None
