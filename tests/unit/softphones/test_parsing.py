"""The readers of logs and audio, without any process."""

from __future__ import annotations

import array
import math
import os
import time
import wave
from pathlib import Path

import pytest

from bridge.testing.softphones.baresip_trace import BaresipTrace
from bridge.testing.softphones.dialog_log import DialogLog
from bridge.testing.softphones.heard_audio import SILENCE_DB, HeardAudio, read_last, read_wav
from bridge.testing.softphones.sip_message import SipAddress, parse_sip_message
from bridge.testing.softphones.sipp_behaviour import SippBehaviour, refuses
from bridge.testing.softphones.sipp_message_log import SippMessageLog

INVITE = (
    "INVITE sip:0003*210@127.0.0.1:5062 SIP/2.0\r\n"
    'f: "Ján \\"Jednooký\\" Žižka" <sip:0003*211@127.0.0.1>;tag=abc\r\n'
    "To: <sip:0003*210@127.0.0.1>\r\n"
    "i: one\r\n"
    "CSeq: 7 INVITE\r\n"
    "Subject: folded\r\n"
    " line\r\n"
    "\r\n"
    "v=0\r\nm=audio 4000 RTP/AVP 0\r\nm=video 4002 RTP/AVP 99\r\na=sendonly\r\n"
)
CANCEL = (
    "CANCEL sip:0003*210@127.0.0.1:5062 SIP/2.0\r\n"
    "From: <sip:0003*211@127.0.0.1>;tag=abc\r\n"
    "To: <sip:0003*210@127.0.0.1>\r\n"
    "Call-ID: one\r\n"
    "CSeq: 7 CANCEL\r\n"
    'Reason: SIP;cause=200;text="Call completed elsewhere"\r\n'
    "Reason: Q.850;cause=26\r\n"
    "\r\n"
)


def test_message() -> None:
    message = parse_sip_message(INVITE, sent=False)
    assert message.from_.name == 'Ján "Jednooký" Žižka'
    assert (message.from_.user, message.from_.tag) == ("0003*211", "abc")
    assert message.call_id == "one"
    assert message.header("Subject") == "folded line"
    assert message.media_port("video") == 4002
    assert message.media_port("text") == 0
    assert message.media_direction == "sendonly"
    assert message.opens_dialog
    assert SipAddress.parse("Anna <sip:5@h>").name == "Anna"
    assert SipAddress.parse("sip:5@h;tag=t").name == ""


def test_not_a_message() -> None:
    with pytest.raises(ValueError, match="not a SIP message"):
        parse_sip_message("hello\r\n\r\n", sent=True)


@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_trace_in_pieces(step: int) -> None:
    """Also with the time that baresip 3 prints before the #."""
    shown = (
        "Populated 1 account\n"
        f"\x1b[36;1m#\nUDP 127.0.0.1:5060 -> 127.0.0.1:5062\n{INVITE}\x1b[;m\n"
        "something\n"
        f"\x1b[36;1m20:15:01.123 #\nUDP 127.0.0.1:5062 -> 127.0.0.1:5060\n{CANCEL}\x1b[;m\n"
        "the end\n"
    ).encode()
    trace = BaresipTrace("127.0.0.1:5060")
    pieces = [shown[at : at + step] for at in range(0, len(shown), step)]
    messages = [message for piece in pieces for message in trace.feed(piece)]
    assert [(m.method, m.sent) for m in messages] == [("INVITE", False), ("CANCEL", True)]
    assert messages[0].from_.name.endswith("Žižka")
    assert trace.log_lines == ["Populated 1 account", "something", "the end"]


@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_sipp_log_in_pieces(step: int) -> None:
    line = "-" * 47
    shown = (
        f"{line} 2026-01-02 03:04:05.678901\n"
        f"UDP message received [{len(INVITE.encode())}] bytes :\n\n{INVITE}\n"
        f"{line} 2026-01-02 03:04:06.000000\n"
        f"UDP message sent ({len(CANCEL.encode())} bytes):\n\n{CANCEL}\n"
    ).encode()
    log = SippMessageLog()
    pieces = [shown[at : at + step] for at in range(0, len(shown), step)]
    messages = [message for piece in pieces for message in log.feed(piece)]
    assert [(m.method, m.sent) for m in messages] == [("INVITE", False), ("CANCEL", True)]
    assert messages[1].wall_ms - messages[0].wall_ms == pytest.approx(321, abs=1)


def test_repeated_invite_is_one_call_and_cause_26_is_not_missed() -> None:
    log = DialogLog()
    for text in (INVITE, INVITE, CANCEL):
        dialog = log.add(parse_sip_message(text, sent=False))
    assert dialog is log.incoming[0]
    assert len(log.incoming) == 1
    assert dialog.offered_video
    assert (dialog.close_reason, dialog.close_cause) == ("CANCEL received", 26)
    assert not dialog.missed


def _tone_440(path: Path) -> None:
    """A second of a tone."""
    samples = array.array(
        "h", (int(16384 * math.sin(2 * math.pi * 440 * n / 8000)) for n in range(8000))
    )
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples.tobytes())


def test_tone_in_an_unfinished_file(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    _tone_440(path)
    data = bytearray(path.read_bytes())
    data[4:8] = data[40:44] = bytes(4)  # as the header is before the file is closed
    path.write_bytes(data)
    audio = read_wav(path)
    assert audio.duration_s == 1
    assert audio.tone_level_db(440) == pytest.approx(-6, abs=0.2)
    assert audio.tone_level_db(1000) < -40
    assert audio.last(0.1).tone_level_db(440) == SILENCE_DB  # shorter than a window


def test_a_file_that_is_no_longer_written_to_is_silence(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    _tone_440(path)
    now_s = time.time()
    os.utime(path, (now_s, now_s - 30))
    assert read_last(path, 1.0) is None
    last = read_last(path, 30.5)
    assert last is not None
    assert 0.3 < last.duration_s <= 0.5
    assert last.tone_level_db(440) == pytest.approx(-6, abs=0.2)


def test_values_cannot_break_a_scenario() -> None:
    assert "SIP/2.0 486 Busy Here" in refuses(486, "Busy Here").xml()
    with pytest.raises(ValueError, match="user"):
        SippBehaviour("uac").xml(user="a]]>", password="p", talk_ms=1)
    with pytest.raises(KeyError):
        SippBehaviour("uac").xml(user="a")


def sine(freq_hz: float, amplitude: int) -> list[int]:
    return [round(amplitude * math.sin(2 * math.pi * freq_hz * n / 8000)) for n in range(4000)]


def test_given_one_tone_then_its_frequency_is_told_and_of_a_mix_or_silence_none() -> None:
    def told(samples: list[int]) -> float | None:
        return HeardAudio(8000, array.array("h", samples)).pure_tone_hz()

    for freq_hz in (300, 440, 700, 1633):
        assert told(sine(freq_hz, 16000)) == pytest.approx(freq_hz, abs=3)
    mix = [a + b for a, b in zip(sine(440, 8000), sine(1100, 8000), strict=True)]
    assert told(mix) is None
    assert told(sine(440, 100)) is None
    assert told([0] * 4000) is None
    assert told([]) is None


@pytest.mark.parametrize("status", [180, 200, 302, 700])
def test_given_a_status_that_is_no_refusal_then_no_phone_can_refuse_with_it(status: int) -> None:
    with pytest.raises(ValueError, match=f"from 400 to 699, not with {status}"):
        refuses(status)
