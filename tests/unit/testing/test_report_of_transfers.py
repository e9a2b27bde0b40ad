"""A transfer that failed is a cause; the record of its call says only that the PBX has ended it."""

from __future__ import annotations

import pytest

from bridge.testing.journal import Observation, Source
from bridge.testing.report.causes import causes
from bridge.testing.report.of_journal import ladder_of_journal

ALICE = "0003*210"
ALLOWED = "Allow-Events: message-summary, refer\r\n"


def sip(at_ms: float, text: str, cseq: str, body: str = "", *, sent: bool = False) -> Observation:
    to = "Refer-To: <sip:299@127.0.0.1:5060>\r\n" if text.startswith("REFER") else ""
    raw = f"{text}\r\nCSeq: 7 {cseq}\r\n{to}{ALLOWED}\r\n{body}"
    return Observation(at_ms, Source.SIP, ALICE, "", text, raw, "c1", "pbx", sent)


def pbx(at_ms: float, kind: str, *headers: str) -> Observation:
    return Observation(at_ms, Source.PBX, "pbx", kind, "", "\n".join(headers), "a1", "service")


def notify(at_ms: float, told: str) -> Observation:
    return sip(at_ms, "NOTIFY sip:210@127.0.0.1 SIP/2.0", "NOTIFY", f"SIP/2.0 {told}\r\n")


REFER = sip(10, "REFER sip:pbx SIP/2.0", "REFER", sent=True)
ACCEPTED = sip(11, "SIP/2.0 202 Accepted", "REFER")
FROM_ALICE = "TransfererChannel: PJSIP/0003*210-00000001"
TRANSFER = pbx(12, "BlindTransfer", "Result: Success", FROM_ALICE, "Extension: 299")
NO_ROUTE = pbx(13, "Hangup", "Cause: 3", "Cause-txt: No route to destination")
CLEARED = pbx(14, "Hangup", "Cause: 16", "Cause-txt: Normal Clearing")
TRIED, FAILED = notify(15, "100 Trying"), notify(16, "503 Service Unavailable")
TALKS = pbx(13, "BridgeEnter")
STEP = Observation(90, Source.TEST, "test", "failed", "211 and 299 talk", "ended: answered, by pbx")

WHY = "(the PBX has no such number: hangup cause 3, No route to destination)"
CASES = {
    "number missing": (
        [REFER, ACCEPTED, TRANSFER, NO_ROUTE, CLEARED, TRIED, FAILED],
        [f"6 ms: the transfer of 0003*210 to 299 failed: 503 Service Unavailable {WHY}"],
    ),
    "number missing, and the phone was not told": (
        [REFER, ACCEPTED, TRANSFER, NO_ROUTE, CLEARED],
        [f"3 ms: the transfer of 0003*210 to 299 failed {WHY}"],
    ),
    "number missing, by a phone whose SIP is not known": (
        [TRANSFER, NO_ROUTE, CLEARED],
        [f"1 ms: the transfer of PJSIP/0003*210-00000001 to 299 failed {WHY}"],
    ),
    "REFER refused": (
        [REFER, sip(11, "SIP/2.0 404 Not Found", "REFER")],
        ["1 ms: the PBX refused the transfer of 0003*210 to 299: 404 Not Found"],
    ),
    "REFER refused after its password": (
        [
            REFER,
            sip(10, "SIP/2.0 401 Unauthorized", "REFER"),
            REFER,
            sip(11, "SIP/2.0 603 Declined", "REFER"),
        ],
        ["1 ms: the PBX refused the transfer of 0003*210 to 299: 603 Declined"],
    ),
    "not permitted": (
        [pbx(12, "BlindTransfer", "Result: Not Permitted", FROM_ALICE, "Extension: 299")],
        ["0 ms: the PBX refused the transfer of PJSIP/0003*210-00000001 to 299: Not Permitted"],
    ),
    "of a timeline": (
        [Observation(12, Source.PBX, "pbx", "transferUndone", "target: 299")],
        ["0 ms: the PBX refused a transfer (target: 299)"],
    ),
    "went well": ([REFER, ACCEPTED, TRANSFER, TALKS, notify(15, "200 OK"), NO_ROUTE], []),
    "went well, and the phone was not told": ([REFER, ACCEPTED, TRANSFER, TALKS, NO_ROUTE], []),
}


@pytest.mark.parametrize("case", CASES)
def test_given_a_transfer_then_the_causes_say_whether_it_failed(case: str) -> None:
    observations, expected = CASES[case]
    step, *found = [x for x in causes([*observations, STEP]) if "no INVITE" not in x]
    assert step.endswith("ms: 211 and 299 talk: ended: answered, by pbx")
    assert found == expected


def test_given_a_transfer_then_the_ladder_has_what_its_phone_is_told() -> None:
    entries = ladder_of_journal([REFER, ACCEPTED, TRIED, FAILED]).entries
    assert [(x.label, x.failed) for x in entries] == [
        ("REFER", False),
        ("202 Accepted", False),
        ("NOTIFY 100 Trying", False),
        ("NOTIFY 503 Service Unavailable", True),
    ]
