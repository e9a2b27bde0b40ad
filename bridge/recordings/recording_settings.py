"""The settings of recording: frozen values, made in bridge/wiring/recordings.py."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.recordings.finder import LookUpLimits


@dataclass(frozen=True, slots=True)
class RecordingSettings:
    """Reasons and defaults are in bridge/config/settings.py.

    `stereo`: each side on a channel of its own. `settle_ms`: a file may appear so late.
    `close_limit_ms`: a file may be open for so long after its call.
    `retention_days`: no recording is deleted before, where its organization does not say; 0: none.
    """

    pbx_name: str
    switched_on: bool
    stereo: bool
    retry_s: float
    settle_ms: int
    close_limit_ms: int
    retention_days: int
    look_up: LookUpLimits
