"""Wiring of recording: which implementation of what it needs of the PBX and of storage."""

from __future__ import annotations

from bridge.calls.call_records import CallRecords
from bridge.calls.switchboard import Switchboard
from bridge.directory.loader import CurrentDirectory
from bridge.pbx.ami_link import AmiLink
from bridge.pbx.ari_audio import AriAudioFiles
from bridge.pbx.ari_client import AriClient
from bridge.pbx.recording_actions import MixMonitorActions
from bridge.recordings.audio_folder import AudioFolder
from bridge.recordings.conversation_records import ConversationRecords
from bridge.recordings.recording_pbx import AudioFiles
from bridge.recordings.service import Recordings
from bridge.settings import Settings


def make_recordings(
    settings: Settings,
    switchboard: Switchboard,
    link: AmiLink,
    ari: AriClient,
    calls: CallRecords,
    records: ConversationRecords,
    directory: CurrentDirectory,
) -> Recordings:
    folder = settings.recording_shared_folder
    audio: AudioFiles = AriAudioFiles(ari) if folder is None else AudioFolder(folder)
    pbx = MixMonitorActions(link, settings.recording_folder)
    return Recordings(settings, switchboard, pbx, audio, calls, records, directory)
