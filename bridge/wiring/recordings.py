"""Wiring of recording: its implementations of the protocols for the PBX and the storage."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack

import structlog

from bridge.calls.call_records import CallRecords
from bridge.calls.live.switchboard import Switchboard
from bridge.calls.steering.action_turns import ActionTurns
from bridge.config.secrets_file import SecretSource
from bridge.config.settings import Settings
from bridge.directory.loader import CurrentDirectory
from bridge.pbx.ami.idle_closing_session import IdleClosingSession
from bridge.pbx.ami.mixmonitor import MixMonitorActions
from bridge.pbx.ari.audio_files import AriAudioFiles
from bridge.pbx.ari.client import AriClient
from bridge.recordings.audio_folder import AudioFolder
from bridge.recordings.conversation_records import ConversationRecords
from bridge.recordings.finder import LookUpLimits
from bridge.recordings.recording_pbx import AudioFiles, DisabledRecordingPbx, RecordingPbx
from bridge.recordings.recording_settings import RecordingSettings
from bridge.recordings.service import Recordings
from bridge.wiring.pbx import ami_recording_settings

log = structlog.get_logger()


async def open_recordings(
    stack: AsyncExitStack,
    settings: Settings,
    secrets: SecretSource,
    switchboard: Switchboard,
    ari: AriClient,
    calls: CallRecords,
    records: ConversationRecords,
    directory: CurrentDirectory,
    turns: ActionTurns,
    failed: Callable[[str], None],
    may_act: Callable[[], bool] | None = None,
) -> Recordings:
    """Started, with an AMI session of its own while one is needed; `stack` stops both.

    `may_act`: as for `Node`.
    """
    folder = settings.recording_shared_folder
    audio: AudioFiles = AriAudioFiles(ari) if folder is None else AudioFolder(folder)
    pbx: RecordingPbx = DisabledRecordingPbx()
    session: IdleClosingSession | None = None
    if settings.recording:
        session = IdleClosingSession(
            ami_recording_settings(settings, secrets),
            idle_s=settings.recording_session_idle_s,
            at_up=lambda: recordings.retry_soon(),
        )
        pbx = MixMonitorActions(session, settings.recording_folder, may_act)
    else:
        log.warning("recording_switched_off", setting="BRIDGE_RECORDING")
    recordings = Recordings(
        recording_settings(settings),
        switchboard,
        pbx,
        audio,
        calls,
        records,
        directory,
        turns,
        lambda: "" if session is None else session.problem,
        failed,
    )
    if session is not None:
        await session.start()
        stack.push_async_callback(session.stop)
    return await stack.enter_async_context(recordings)


def recording_settings(settings: Settings) -> RecordingSettings:
    """The part of the settings that recording needs."""
    return RecordingSettings(
        pbx_name=settings.pbx_name,
        switched_on=settings.recording,
        stereo=settings.recording_stereo,
        retry_s=settings.recording_retry_s,
        settle_ms=settings.recording_settle_ms,
        close_limit_ms=settings.recording_close_limit_ms,
        retention_days=settings.recording_retention_days,
        look_up=LookUpLimits(
            tries=settings.verba_lookup_tries,
            sleep_ms=settings.verba_lookup_sleep_ms,
            next_wait_s=settings.verba_next_call_wait_s,
        ),
    )
