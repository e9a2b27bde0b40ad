"""The settings of voicemail: a frozen value, made in bridge/wiring/voicemail.py."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VoicemailSettings:
    """Reasons and defaults are in bridge/config/settings.py.

    `kept_days`: then a message is deleted; 0: never. `check_interval_s`: how often all mailboxes
    are compared with the PBX.
    """

    pbx_name: str
    message_max_s: int
    kept_days: int
    check_interval_s: float
