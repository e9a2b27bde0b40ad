"""Keeps conversations and mailboxes in line: one mailbox at a time, whatever happened to it.

A round looks at every mailbox that has messages. A hint (an event of the PBX, a deletion by the
Verba API, the end of a call) makes the look at one mailbox prompt.
"""

from __future__ import annotations

import asyncio

import structlog

from bridge.calls.live.change import Change
from bridge.calls.live.switchboard import Switchboard
from bridge.clock import now_ms
from bridge.directory.loader import CurrentDirectory
from bridge.faults import Fenced, StorageUnavailable
from bridge.recordings.conversation import Conversation
from bridge.recordings.file_removal import NotRemoved
from bridge.recordings.recording_pbx import AudioError, AudioFiles, AudioMissing
from bridge.supervision.conditions import Condition
from bridge.supervision.tasks import LivingTask, must_live
from bridge.voicemail.mailbox_pbx import MailboxPbx, MailboxUnavailable
from bridge.voicemail.message import Message, MessageState
from bridge.voicemail.message_conversations import CallGoesOn, Deleted, MessageConversations
from bridge.voicemail.recorded_message import recorded_message
from bridge.voicemail.voicemail_settings import VoicemailSettings

log = structlog.get_logger()

BY_PHONE, BY_AGE = "voicemail phone", "voicemail_kept_days"
"""The names of these two wishes in the audit log of deleted conversations."""

_DAY_MS = 24 * 3600 * 1000
_RECORDING_SLACK_MS = 60_000
_LATER_S = 2.0


class Mailboxes:
    """`start` after recording has started, `stop` before it stops."""

    def __init__(
        self,
        settings: VoicemailSettings,
        pbx: MailboxPbx,
        conversations: MessageConversations,
        audio: AudioFiles,
        switchboard: Switchboard,
        directory: CurrentDirectory,
    ) -> None:
        self._settings = settings
        self._pbx = pbx
        self._conversations = conversations
        self._audio = audio
        self._switchboard = switchboard
        self._directory = directory
        self._waiting: dict[str, None] = {}
        self._with_lamp: set[str] = set()  # whose lamp must be set, also if nothing has changed
        self._all_lamps = False  # each of them, once the mailboxes are known
        self._wake = asyncio.Event()
        self._calls: dict[str, set[str]] = {}  # call that goes on → mailboxes with a message of it
        self._mailbox_of: dict[str, str] = {}  # by conversation
        self._loops: list[LivingTask] = []
        self._failing = Condition("voicemail_failing_began", "voicemail_failing_ended")

    @property
    def problem(self) -> str:
        """Why messages do not become conversations; empty if they do."""
        return self._failing.problem

    def start(self) -> None:
        """Follow the mailboxes in the background."""
        self._switchboard.observe(self._call_changed)
        self._switchboard.at_link_up(self.link_up)
        self._loops = [
            must_live(self._rounds(), "voicemail_rounds"),
            must_live(self._hints(), "voicemail_hints"),
        ]

    async def stop(self) -> None:
        """Cancel all work. The next start takes it up again."""
        for loop in self._loops:
            await loop.stop()

    # Hints. None of them blocks.

    def changed(self, mailbox: str) -> None:
        """The mailbox has other messages, or their states have changed."""
        self._waiting[mailbox] = None
        self._wake.set()

    def conversation_removed(self, conversation: Conversation) -> None:
        """A conversation was deleted, which may have been that of a message."""
        mailbox = self._mailbox_of.pop(conversation.id, None)
        if mailbox is not None:
            self.changed(mailbox)

    async def link_up(self) -> None:
        """The PBX may have been restarted: then its phones know nothing of their messages."""
        self._all_lamps = True
        await self._look_at_all()

    def _call_changed(self, change: Change) -> None:
        if change.after.final is not None:
            for mailbox in self._calls.pop(change.after.id, ()):
                self.changed(mailbox)

    # The work.

    async def _rounds(self) -> None:
        while True:
            await asyncio.sleep(self._settings.check_interval_s)
            if self._switchboard.pbx.link.up:
                await self._look_at_all()

    async def _look_at_all(self) -> None:
        try:
            found = await self._pbx.mailboxes()
        except MailboxUnavailable as why:
            self._failed(str(why))
            return
        if self._all_lamps:
            self._with_lamp.update(found)
            self._all_lamps = False
        for mailbox in found:
            self.changed(mailbox)
        self._failing.end()

    async def _hints(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                mailbox = next(iter(self._waiting))
                del self._waiting[mailbox]
                await self._one(mailbox)

    async def _one(self, mailbox: str) -> None:
        try:
            await self._settle(mailbox)
        except (MailboxUnavailable, AudioError, StorageUnavailable, Fenced, NotRemoved) as why:
            self._failed(str(why), mailbox)
            self._later(mailbox)
        except Exception:
            log.exception("voicemail_failed", mailbox=mailbox)
        else:
            self._failing.end()

    def _later(self, mailbox: str) -> None:
        asyncio.get_running_loop().call_later(_LATER_S, self.changed, mailbox)

    def _failed(self, why: str, mailbox: str = "") -> None:
        """A PBX of the operator's own without our mailboxes lacks nothing if nobody has one."""
        if mailbox or self._directory.directory.has_voicemail:
            self._failing.begin(why)

    async def _settle(self, mailbox: str) -> None:
        lamp = mailbox in self._with_lamp
        for state, message in (await self._messages(mailbox)).values():
            gone = await self._settle_message(message, state)
            lamp = lamp or (gone and state is not MessageState.DELETED)
        if lamp:
            await self._pbx.set_lamp(mailbox)
            self._with_lamp.discard(mailbox)

    async def _messages(self, mailbox: str) -> dict[str, tuple[MessageState, Message]]:
        """Each message once. Of two states a crash of the PBX has left the earlier one."""
        found: dict[str, tuple[MessageState, Message]] = {}
        for state, message in await self._pbx.messages(mailbox):
            if message.id in found:
                await self._pbx.forget(mailbox, found[message.id][0], message.id)
            found[message.id] = state, message
        return found

    async def _settle_message(self, message: Message, state: MessageState) -> bool:
        """Whether the number of its messages is another one now."""
        if state is MessageState.DELETED:
            return await self._delete(message, state, BY_PHONE)
        if state is MessageState.RECORDING:
            if self._may_go_on(message):
                return False
            # The PBX ended in the middle of it, or lost the caller without a word.
            await self._pbx.recover(message.mailbox, message.id)
            self._later(message.mailbox)  # no event tells of our own call
            return False
        stored = await self._conversations.find(message)
        if stored is None and not await self._conversations.was_deleted(message):
            return await self._register(message, state)
        if stored is None or stored.marks.deletion_ms is not None:
            await self._audio.delete(message.id)
            await self._pbx.forget(message.mailbox, state, message.id)
            return True
        self._mailbox_of[stored.conversation.id] = message.mailbox
        return self._is_old(message) and await self._delete(message, state, BY_AGE)

    def _may_go_on(self, message: Message) -> bool:
        if self._switchboard.calls.live.of_channel(message.uniqueid) is not None:
            return True
        longest_ms = self._settings.message_max_s * 1000 + _RECORDING_SLACK_MS
        return now_ms() - message.began_ms < longest_ms

    def _is_old(self, message: Message) -> bool:
        days = self._settings.kept_days
        return days > 0 and now_ms() - message.began_ms > days * _DAY_MS

    async def _register(self, message: Message, state: MessageState) -> bool:
        """Make the conversation of a message, once its call has ended."""
        live = self._switchboard.calls.live.of_channel(message.uniqueid)
        if live is not None:
            self._calls.setdefault(live.id, set()).add(message.mailbox)
            return False
        try:
            recorded = await recorded_message(message, self._audio)
        except AudioMissing:
            log.error("voicemail_missing", mailbox=message.mailbox, file=message.id)
            await self._pbx.forget(message.mailbox, state, message.id)
            return True
        conversation_id = None
        if not recorded.silent:
            try:
                conversation_id = await self._conversations.add(message, recorded.media)
            except CallGoesOn:
                self._later(message.mailbox)
                return False
        if conversation_id is None:
            await self._audio.delete(message.id)
            await self._pbx.forget(message.mailbox, state, message.id)
            log.info("voicemail_dropped", mailbox=message.mailbox, silent=recorded.silent)
            return True
        self._mailbox_of[conversation_id] = message.mailbox
        return False

    async def _delete(self, message: Message, state: MessageState, by: str) -> bool:
        became = await self._conversations.delete(message, by)
        if became is Deleted.KEPT:
            return False
        if became is Deleted.UNKNOWN:
            await self._audio.delete(message.id)
        await self._pbx.forget(message.mailbox, state, message.id)
        log.info("voicemail_deleted", mailbox=message.mailbox, by=by)
        return True
