"""Wiring of voicemail."""

from __future__ import annotations

from contextlib import AsyncExitStack

from bridge.calls.call_records import CallRecords
from bridge.config.settings import Settings
from bridge.directory.loader import CurrentDirectory
from bridge.pbx.ami.link import AmiLink
from bridge.pbx.ami.mailboxes import AsteriskMailboxes
from bridge.recordings.service import Recordings
from bridge.voicemail.mailboxes import Mailboxes
from bridge.voicemail.message_conversations import MessageConversations
from bridge.voicemail.voicemail_settings import VoicemailSettings


def open_voicemail(
    stack: AsyncExitStack,
    settings: Settings,
    recordings: Recordings,
    calls: CallRecords,
    directory: CurrentDirectory,
    link: AmiLink,
) -> Mailboxes:
    """Started; `stack` stops it."""
    conversations = MessageConversations(
        settings.pbx_name,
        recordings.records,
        calls,
        recordings.deletion,
        directory,
        recordings.locks,
    )
    mailboxes = Mailboxes(
        VoicemailSettings(
            pbx_name=settings.pbx_name,
            message_max_s=settings.voicemail_message_max_s,
            kept_days=settings.voicemail_kept_days,
            check_interval_s=settings.voicemail_check_interval_s,
        ),
        AsteriskMailboxes(link),
        conversations,
        recordings.audio,
        recordings.switchboard,
        directory,
    )
    recordings.at_removed(mailboxes.conversation_removed)
    link.at_mailbox_changed(mailboxes.changed)
    mailboxes.start()
    stack.push_async_callback(mailboxes.stop)
    return mailboxes
