"""Wiring of recording: which implementation of what it needs of the PBX and of storage."""

from __future__ import annotations

from contextlib import AsyncExitStack

import structlog

from bridge.calls.call_records import CallRecords
from bridge.calls.switchboard import Switchboard
from bridge.directory.loader import CurrentDirectory
from bridge.pbx.ari_audio import AriAudioFiles
from bridge.pbx.ari_client import AriClient
from bridge.pbx.occasional_session import OccasionalSession
from bridge.pbx.recording_actions import MixMonitorActions
from bridge.pbx_access import ami_recording_settings
from bridge.recordings.audio_folder import AudioFolder
from bridge.recordings.conversation_records import ConversationRecords
from bridge.recordings.recording_pbx import AudioFiles, RecordingPbx
from bridge.recordings.service import Recordings
from bridge.recordings.switched_off import RecordingSwitchedOff
from bridge.secrets_file import SecretsFile
from bridge.settings import Settings

log = structlog.get_logger()


async def open_recordings(
    stack: AsyncExitStack,
    settings: Settings,
    secrets: SecretsFile,
    switchboard: Switchboard,
    ari: AriClient,
    calls: CallRecords,
    records: ConversationRecords,
    directory: CurrentDirectory,
) -> Recordings:
    """Started, with an AMI session of its own while one is needed; `stack` stops both."""
    folder = settings.recording_shared_folder
    audio: AudioFiles = AriAudioFiles(ari) if folder is None else AudioFolder(folder)
    pbx: RecordingPbx = RecordingSwitchedOff()
    session: OccasionalSession | None = None
    if settings.recording:
        session = OccasionalSession(
            ami_recording_settings(settings, secrets),
            idle_s=settings.recording_session_idle_s,
            at_up=lambda: recordings.retry_soon(),
        )
        pbx = MixMonitorActions(session, settings.recording_folder)
    else:
        log.warning("recording is switched off; no call is recorded", setting="BRIDGE_RECORDING")
    recordings = Recordings(settings, switchboard, pbx, audio, calls, records, directory)
    if session is not None:
        await session.start()
        stack.push_async_callback(session.stop)
    return await stack.enter_async_context(recordings)
