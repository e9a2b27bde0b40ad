"""The report of a failed test: each kind of failure shows its cause, and nothing hostile runs."""

from __future__ import annotations

import json
import struct
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from bridge.testing.journal import Observation, Source
from bridge.testing.report.causes import causes
from bridge.testing.report.of_journal import ladder_of_journal
from bridge.testing.report.pcap import pcap_of
from bridge.testing.report.writing import Report, write_report

ALICE, BOB = "0003*210", "0003*211"


def sip(
    at_ms: float, who: str, text: str, *, sent: bool = True, cseq: str = "INVITE"
) -> Observation:
    raw = f"{text}\nCSeq: 1 {cseq}\nReason: Q.850;cause=17\n\n"
    kind = "sent" if sent else "received"
    return Observation(at_ms, Source.SIP, who, kind, text, raw, "c1", "pbx", sent)


def api(at_ms: float, kind: str, text: str, body: object = None) -> Observation:
    detail = "" if body is None else json.dumps(body)
    asked = kind == "request"
    return Observation(at_ms, Source.API, "user-12", kind, text, detail, "", "service", asked)


def failed(at_ms: float, text: str, seen: str) -> Observation:
    return Observation(at_ms, Source.TEST, "test", "failed", text, seen)


def webhook(at_ms: float, kind: str, text: str) -> Observation:
    return Observation(at_ms, Source.WEBHOOK, "210", kind, text, "", "a1", "service", False)


REGISTERED = [
    sip(0, BOB, "REGISTER sip:pbx SIP/2.0", cseq="REGISTER"),
    sip(1, BOB, "SIP/2.0 401 Unauthorized", sent=False, cseq="REGISTER"),
    sip(2, BOB, "SIP/2.0 200 OK", sent=False, cseq="REGISTER"),
    api(10, "request", "POST /uapi/phoneCalls/@me/simple"),
    api(12, "answer", "202 POST /uapi/phoneCalls/@me/simple"),
]
CALLED = [
    *REGISTERED,
    sip(20, BOB, "INVITE sip:211@127.0.0.1 SIP/2.0", sent=False),
    sip(22, BOB, "SIP/2.0 180 Ringing"),
]
KINDS = {
    "never rang": (
        [*REGISTERED, failed(5_012, "bob rings within 5 s", "0003*211 does not ring")],
        [
            "5012 ms: bob rings within 5 s: 0003*211 does not ring",
            "0003*211: no INVITE reached it or left it",
        ],
    ),
    "never answered": (
        [
            *CALLED,
            failed(5_000, "210 and 211 talk", "0003*211 RINGING"),
            sip(5_010, BOB, "SIP/2.0 486 Busy Here"),  # the end of the test
        ],
        [
            "5000 ms: 210 and 211 talk: 0003*211 RINGING",
            "0003*211: it rings from 22 ms on, and does not answer",
            "",
        ],
    ),
    "wrong tone": (
        [*CALLED, failed(4_000, "bob hears 440 Hz", "hears 440 Hz at -120 dB only")],
        ["4000 ms: bob hears 440 Hz: hears 440 Hz at -120 dB only"],
    ),
    "wrong code": (
        [
            *CALLED,
            sip(30, BOB, "SIP/2.0 486 Busy Here"),
            failed(40, "bob refuses with 603", "the call ended with: 486 Busy Here"),
        ],
        [
            "40 ms: bob refuses with 603: the call ended with: 486 Busy Here",
            "30 ms: 0003*211 answered the PBX: 486 Busy Here (Q.850;cause=17)",
        ],
    ),
    "webhook missing": (
        [
            *CALLED,
            webhook(50, "received", "RINGING"),
            failed(3_000, "HANGUP is delivered", "seen: RINGING"),
        ],
        ["3000 ms: HANGUP is delivered: seen: RINGING"],
    ),
    "webhook out of order": (
        [
            *CALLED,
            webhook(50, "received", "ANSWERED"),
            webhook(55, "received", "RINGING"),
            failed(60, "RINGING, ANSWERED", "seen: ANSWERED, RINGING"),
        ],
        ["60 ms: RINGING, ANSWERED: seen: ANSWERED, RINGING"],
    ),
    "webhook with a wrong signature": (
        [*CALLED, webhook(50, "refused", "RINGING"), failed(60, "RINGING", "nothing valid")],
        ["60 ms: RINGING: nothing valid", "50 ms: the webhook of 210 was refused: RINGING"],
    ),
    "the service refused": (
        [
            *REGISTERED[:4],
            api(
                12,
                "answer",
                "400 POST /uapi/phoneCalls/@me/simple",
                {"error": {"code": "pc_source_invalid", "message": "no phone is registered"}},
            ),
            Observation(
                *(13, Source.SERVICE, "service", "warning", "request refused"),
                '{"event": "request refused", "level": "warning", "code": "pc_source_invalid"}',
            ),
            failed(15, "app creates alice → bob", "400"),
        ],
        [
            "15 ms: app creates alice → bob: 400",
            "12 ms: the service refused user-12: 400 POST /uapi/phoneCalls/@me/simple: "
            "pc_source_invalid: no phone is registered",
            "13 ms: the log of the service: request refused (code=pc_source_invalid)",
            "0003*211: no INVITE reached it or left it",
        ],
    ),
    "the PBX refused": (
        [
            *REGISTERED,
            Observation(
                *(30, Source.PBX, "pbx", "OriginateResponse", "Failure, Reason 0"),
                "Event: OriginateResponse\nResponse: Failure\nReason: 0",
            ),
            failed(5_000, "bob rings", "does not ring"),
        ],
        [
            "5000 ms: bob rings: does not ring",
            "30 ms: the PBX could not dial: Failure, Reason 0",
            "0003*211: no INVITE reached it or left it",
        ],
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_given_a_failure_then_its_report_shows_the_cause(kind: str, tmp_path: Path) -> None:
    observations, expected = KINDS[kind]
    report = write_report(observations, tmp_path, kind)
    shown = [f"- {x}" if x else "" for x in expected]
    assert report.text.splitlines()[: len(expected)] == shown
    page = report.html.read_text()
    for cause in expected:
        assert cause.replace("'", "&#x27;") in page
    assert report.html.name == kind.replace(" ", "-") + ".html"
    assert report.pcap.stat().st_size > 24


def test_given_a_journal_then_registrations_and_lamps_are_not_in_the_ladder() -> None:
    lamp = Observation(
        *(15, Source.SIP, BOB, "received", "NOTIFY sip:x SIP/2.0"),
        *("NOTIFY sip:x SIP/2.0\nCSeq: 1 NOTIFY\nEvent: message-summary\n", "", "pbx", False),
    )
    answer = sip(16, BOB, "SIP/2.0 481 Subscription Does Not Exist", cseq="NOTIFY")
    ladder = ladder_of_journal([*CALLED, lamp, answer])
    assert [x.label for x in ladder.entries] == [
        "POST /uapi/phoneCalls/@me/simple",
        "202 POST /uapi/phoneCalls/@me/simple",
        "INVITE",
        "180 Ringing",
    ]
    assert ladder.lanes == ("user-12", "service", "PBX", BOB)


def test_given_a_refused_registration_then_it_is_a_cause() -> None:
    wrong = sip(3, BOB, "SIP/2.0 403 Forbidden", sent=False, cseq="REGISTER")
    [cause, _] = causes([*REGISTERED, wrong])
    assert cause == "3 ms: the PBX answered 0003*211: 403 Forbidden (Q.850;cause=17)"
    assert "403 Forbidden" in [x.label for x in ladder_of_journal([*REGISTERED, wrong]).entries]


def test_given_no_observation_then_there_is_a_report_all_the_same(tmp_path: Path) -> None:
    report = write_report([], tmp_path / "new", "///")
    assert report.text.strip() == "nothing happened"
    assert report.html.name == "report.html"


def test_given_hostile_messages_then_the_page_shows_them_as_text(tmp_path: Path) -> None:
    evil = "</pre></details><script>alert(1)</script><img src=x onerror=alert(1)>"
    report = write_report(
        [sip(1, evil, f"INVITE {evil} SIP/2.0"), failed(2, evil, evil)], tmp_path, f"../{evil}"
    )
    page = report.html.read_text()
    assert "<script" not in page
    assert "<img" not in page
    assert "default-src &#x27;none&#x27;" in page
    assert report.html.parent == tmp_path


def test_given_a_report_then_nothing_of_it_is_on_another_host(tmp_path: Path) -> None:
    page = _written(tmp_path).html.read_text()
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in page
    assert 'href="data:application/vnd.tcpdump.pcap;base64,' in page
    picture = page[page.index("<svg") : page.index("</svg>") + 6]
    assert ET.fromstring(picture).get("class") == "ladder"  # noqa: S314 - our own


def _written(folder: Path) -> Report:
    return write_report(KINDS["wrong code"][0], folder, "a test")


def test_given_sip_messages_then_the_pcap_has_them_as_udp() -> None:
    data = pcap_of(CALLED, {BOB: ("127.0.0.1", 6002), "pbx": ("127.0.0.9", 5080)})
    assert struct.unpack("!IHHiIII", data[:24]) == (0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    frames = []
    place = 24
    while place < len(data):
        seconds, micros, length, whole = struct.unpack("!IIII", data[place : place + 16])
        assert length == whole
        frames.append((seconds * 1000 + micros / 1000, data[place + 16 : place + 16 + length]))
        place += 16 + length
    assert len(frames) == 5
    at_ms, invite = frames[3]
    assert at_ms == 20
    assert invite[12:20] == bytes([127, 0, 0, 9, 127, 0, 0, 1])
    assert struct.unpack("!HHH", invite[20:26]) == (5080, 6002, len(invite) - 20)
    assert invite[28:].startswith(b"INVITE sip:211@127.0.0.1 SIP/2.0\r\nCSeq: 1 INVITE\r\n")
    assert sum(struct.unpack("!10H", invite[:20])) % 0xFFFF == 0  # the checksum is right


def test_given_an_unknown_address_then_the_pcap_makes_one_up_for_each_phone() -> None:
    data = pcap_of([sip(1, ALICE, "BYE sip:x SIP/2.0"), sip(2, BOB, "BYE sip:x SIP/2.0")])
    first, second = data[24 + 16 + 12 :][:4], data[-80:]
    assert first == bytes([127, 0, 1, 1])
    assert bytes([127, 0, 1, 2]) in data
    assert second
    assert pcap_of([sip(1, "x", "a" * 100_000)], {"x": ("::1", 1)})
