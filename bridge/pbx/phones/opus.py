"""The modules of Asterisk that translate Opus; either does."""

from __future__ import annotations

OPUS_MODULES = {"codec_opus", "codec_opus_open_source"}
