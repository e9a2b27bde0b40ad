"""The audio and the scripts of phones that the kit plays itself."""

from __future__ import annotations

import array
import struct

import pytest

from bridge.testing.public_number import NumberBehaviour
from bridge.testing.softphones import mu_law
from bridge.testing.softphones.carrier_peer import Ears
from bridge.testing.softphones.heard_audio import HeardAudio
from bridge.testing.softphones.phone_script import PhoneScript, session_timers
from bridge.testing.softphones.websocket_relay import to_phone, to_server


def rtp(kind: int, content: bytes, stamp: int = 0) -> bytes:
    return struct.pack("!BBHII", 0x80, kind, 0, stamp, 1) + content


def test_given_a_tone_in_mu_law_then_it_is_heard_at_its_level() -> None:
    pieces, ears = mu_law.tone(900, 160), Ears()
    for _ in range(50):
        ears.take(rtp(0, next(pieces)))

    assert ears.heard().duration_s == 1.0
    assert ears.heard().tone_level_db(900) == pytest.approx(-6, abs=0.5)
    assert ears.heard().tone_level_db(700) < -40


def test_given_each_byte_of_mu_law_then_silence_is_the_middle() -> None:
    samples = mu_law.decoded(bytes(range(256)))
    assert (min(samples), max(samples)) == (-32124, 32124)
    assert mu_law.decoded(b"\xff\x7f") == array.array("h", [0, 0])
    assert HeardAudio(8000, samples).duration_s == 256 / 8000


def test_given_digits_in_several_packets_each_then_each_counts_once() -> None:
    ears = Ears()
    for digit, stamp in ((4, 100), (2, 900), (2, 1700), (11, 2500)):
        for _ in range(7):
            ears.take(rtp(101, struct.pack("!BBH", digit, 10, 160), stamp))
    ears.take(b"short")

    assert ears.digits == "422#"


def test_given_values_that_no_line_has_then_they_are_refused() -> None:
    with pytest.raises(ValueError, match="not 200"):
        NumberBehaviour(status=200)
    with pytest.raises(ValueError, match=r"not 1\.5"):
        NumberBehaviour(loss=1.5)
    with pytest.raises(ValueError, match="line end"):
        PhoneScript(headers={"X-Desk": "1\r\nVia: other"})
    assert session_timers(90).header_lines.endswith("Session-Expires: 90;refresher=uas\r\n")


def test_given_a_message_through_the_relay_then_only_via_and_contact_change() -> None:
    sent = (
        b"REGISTER sip:127.0.0.1:9;transport=tcp SIP/2.0\r\n"
        b"Via: SIP/2.0/TCP 127.0.0.1:5062;branch=z9\r\n"
        b"Contact: <sip:210@127.0.0.1:5062;transport=tcp>\r\n"
        b'Authorization: Digest uri="sip:127.0.0.1:9;transport=tcp"\r\nCSeq: 2 REGISTER'
    )
    assert to_server(sent) == (
        b"REGISTER sip:127.0.0.1:9;transport=tcp SIP/2.0\r\n"
        b"Via: SIP/2.0/WS 127.0.0.1:5062;branch=z9\r\n"
        b"Contact: <sip:210@127.0.0.1:5062;transport=ws>\r\n"
        b'Authorization: Digest uri="sip:127.0.0.1:9;transport=tcp"\r\nCSeq: 2 REGISTER'
    )
    assert to_phone(to_server(sent), 9) == sent
    invite = b"INVITE sip:210@a SIP/2.0\r\nContact: <sip:pbx@a:8088;transport=ws>\r\nCSeq: 1 INVITE"
    assert b"Contact: <sip:127.0.0.1:9;transport=tcp>\r\n" in to_phone(invite, 9)
