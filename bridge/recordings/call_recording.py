"""The recording of one live call: its parts are started and stopped on the PBX here.

A part is on disk before it is started, so that its file can be found whatever happens next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import structlog

from bridge.calls.pbx import InvalidPbxValue, PbxOutcomeUnknown, PbxRefused, PbxUnavailable
from bridge.calls.state.final_record import duration_is_over
from bridge.calls.state.phone_call import PhoneCall
from bridge.clock import now_ms
from bridge.recordings.channel_choice import (
    channel_to_record,
    has_handed_over,
    has_moved,
    muted_directions,
)
from bridge.recordings.conversation import Conversation, Media, Mute
from bridge.recordings.conversation_records import ConversationRecords
from bridge.recordings.recording_pbx import (
    AudioFiles,
    AudioMissing,
    NoSuchChannel,
    RecordingPbx,
)

log = structlog.get_logger()


def _is_ending(call: PhoneCall) -> bool:
    """Whether the call is ending: its channels go one after the other, and the last one gets no new
    part.

    A transfer and a new dial take that back.
    """
    asked = call.hang_up is not None or call.first_to_hang_up is not None
    return asked or duration_is_over(call, now_ms())


class CallRecording:
    """`marked`: the conversation is marked for deletion and is no longer recorded. `not_started`
    is called for each part that the PBX has refused."""

    def __init__(
        self,
        conversation: Conversation,
        pbx: RecordingPbx,
        records: ConversationRecords,
        *,
        stereo: bool,
        marked: bool = False,
        not_started: Callable[[], None] = lambda: None,
    ) -> None:
        self.conversation = conversation
        self.marked = marked
        self._pbx = pbx
        self._records = records
        self._not_started = not_started
        self._format = "raw" if stereo else "wav"
        self.refused = ""
        """Why the PBX has refused to begin a part, when the call was followed last; else empty."""
        self._on_disk: Conversation | None = None
        # Of which file which sides are silent, None while that is not known.
        self._muted: tuple[str, Mute | None] = ("", Mute.NONE)

    def was_stored(self) -> None:
        """The current record was read from disk."""
        self._on_disk = self.conversation
        running = self.conversation.running
        if running is not None and running.mixmonitor_id:
            self._muted = (running.name, None)  # whoever ran before may have been told

    async def save(self) -> None:
        """Write the record if it differs from the one on disk. Raises StorageUnavailable."""
        if self._on_disk is None:
            await self._records.create(self.conversation)
        elif self._on_disk != self.conversation:
            await self._records.update(self.conversation)
        self._on_disk = self.conversation

    async def check_unconfirmed(self, audio: AudioFiles) -> None:
        """Give up a part with an unconfirmed start, if it has no file.

        It stays in the record, so that a file which appears all the same is known.
        Raises AudioError.
        """
        running = self.conversation.running
        if running is None or running.mixmonitor_id:
            return
        try:
            async with audio.read(running.name):
                return
        except AudioMissing:
            self._end(running)

    async def follow(self, call: PhoneCall, *, wanted: bool) -> bool:
        """Record the call, or no longer, on a channel that it still has. True if it stopped.

        Raises PbxUnavailable, PbxOutcomeUnknown, PbxRefused, StorageUnavailable.
        """
        self.refused = ""
        running = self.conversation.running
        if running is not None and has_moved(call, running.channel):
            await self.stop()  # it talks on in another call
            running = None
        if running is not None and running.channel not in call.channels:
            self._end(running)
            running = None
        if running is not None and (self.marked or not wanted):
            await self.stop()
            return True
        if running is not None and has_handed_over(call, running.channel):
            await self.stop()  # its phone may stay for a while: those who talk are on others
            running = None
        if running is None and wanted and not self.marked and not _is_ending(call):
            channel = channel_to_record(call)
            if channel is not None:
                await self._start(call, channel)
        try:
            await self._settle_mute(call)
        finally:
            await self.save()
        return False

    async def stop(self) -> None:
        """The running part is closed when this returns. Raises as `follow`."""
        running = self.conversation.running
        if running is None:
            return
        await self._pbx.stop_recording(running.channel, running.mixmonitor_id)
        self._end(running)
        await self.save()

    async def mute(self, call: PhoneCall, mute: Mute) -> None:
        """Record silence of these sides, in this part and in later ones.

        After a failure they are as before when the call is followed again. Raises as `follow`.
        """
        before = self.conversation.mute
        self.conversation = replace(self.conversation, mute=mute)
        try:
            await self._settle_mute(call)
        except BaseException:
            self.conversation = replace(self.conversation, mute=before)
            raise
        await self.save()

    def finish(self, at_ms: int, cause: int | None) -> None:
        """The call has ended; what was still running has ended with it."""
        for media in self.conversation.media:
            if media.ended_ms is None:
                self._end(media, at_ms)
        self.conversation = replace(self.conversation, ended_ms=at_ms, cause=cause)

    def _end(self, media: Media, at_ms: int | None = None) -> None:
        ended = replace(media, ended_ms=at_ms or now_ms())
        self.conversation = self.conversation.with_media(ended)

    async def _start(self, call: PhoneCall, channel: str) -> None:
        part = max((x.part for x in self.conversation.media), default=0) + 1
        media = Media(
            part=part,
            name=f"{self.conversation.id}-{part}",
            format=self._format,
            channel=channel,
            started_ms=now_ms(),
        )
        before = self.conversation
        if not before.media:
            self.conversation = replace(before, native_id=channel)
        self.conversation = self.conversation.with_media(media)
        try:
            await self.save()
        except BaseException:
            self.conversation = before
            raise
        try:
            mixmonitor_id = await self._pbx.start_recording(
                channel, media.name, stereo=self._format == "raw"
            )
        except PbxOutcomeUnknown:
            raise  # it may be recording: the part stays, and its file is looked for
        except (PbxRefused, PbxUnavailable, InvalidPbxValue) as why:
            if isinstance(why, NoSuchChannel):  # nothing is missing: it ended in this moment
                log.info("recording_channel_has_ended", call_id=call.id, channel=channel)
            else:
                log.warning("recording_not_started", call_id=call.id, why=str(why))
            self.conversation = self.conversation.without_media(part)
            await self.save()
            if isinstance(why, PbxUnavailable):
                raise  # it is tried again
            if not isinstance(why, NoSuchChannel):
                self.refused = str(why)
                self._not_started()
            return
        self.conversation = self.conversation.with_media(
            replace(media, mixmonitor_id=mixmonitor_id)
        )

    async def _settle_mute(self, call: PhoneCall) -> None:
        """Mute the sides that must be silent. A recording begins with both sides."""
        running, mute = self.conversation.running, self.conversation.mute
        if running is None:
            return
        name, known = self._muted
        if mute is (known if name == running.name else Mute.NONE):
            return
        self._muted = (running.name, None)
        silent = muted_directions(call, running.channel, mute)
        for direction, muted in silent.items():
            await self._pbx.mute_recording(
                running.channel, running.mixmonitor_id, direction, muted=muted
            )
        self._muted = (running.name, mute)
