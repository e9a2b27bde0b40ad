"""The measure itself, on files of which the content is known."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bridge.testing.softphones.toolchain import ensure_phone_tools

from .sox import SoxAudio, SoxFailedError


def test_given_a_tone_on_each_channel_when_measured_then_each_is_found_on_its_own_only(
    tmp_path: Path,
) -> None:
    ensure_phone_tools()
    path = tmp_path / "tones.wav"
    format_ = ("-r", "8000", "-b", "16", "-c", "2")
    tones = ("synth", "2", "sine", "440", "sine", "1000", "vol", "0.5")
    subprocess.run(["sox", "-n", *format_, str(path), *tones], check=True, timeout=30)

    audio = SoxAudio(path)

    assert (audio.channels, audio.duration_s) == (2, 2.0)
    for tone_hz, here, there in ((440, 1, 2), (1000, 2, 1)):
        assert audio.tone_db(tone_hz, here) == pytest.approx(-9, abs=0.5)
        assert audio.tone_db(tone_hz, there) < -55
    assert audio.tone_db(700) < -55
    assert audio.tone_db(440, last_s=0.5) == pytest.approx(-9, abs=0.5)


def test_given_what_is_no_audio_when_measured_then_it_is_an_error(tmp_path: Path) -> None:
    ensure_phone_tools()
    path = tmp_path / "text.wav"
    path.write_text("no audio")
    with pytest.raises(SoxFailedError, match="WAVE"):
        SoxAudio(path).tone_db(440)
