"""Which steps of a dialplan would follow a forward of a phone."""

from __future__ import annotations

import pytest

from bridge.pbx.readiness.toll_fraud import follows_forwards, toll_findings


@pytest.mark.parametrize(
    ("application", "data", "follows"),
    [
        ("Dial", "PJSIP/alice", True),
        ("Dial", "PJSIP/alice,60", True),
        ("Dial", "PJSIP/alice,60,tT", True),
        ("Dial", "PJSIP/alice&Local/1@x,60,", True),
        ("Dial", "${HINT(${EXTEN},x)},20,tU(igor^s^1)", True),
        ("Dial", "PJSIP/alice,60,${OPTIONS}", True),
        ("Dial", "PJSIP/alice,60,tiT", False),
        ("Dial", "PJSIP/alice,${IF($[1]?2,3)},b(x^s^1)i", False),
        ("Dial", "Local/1@x/n,60", False),
        ("Dial", "", False),
        ("Queue", "sales", True),
        ("Queue", "sales,t", True),
        ("Queue", "sales,ti,,,300", False),
        ("Playback", "PJSIP/alice", False),
    ],
)
def test_option_i_of_dial_and_queue(application: str, data: str, follows: bool) -> None:
    assert follows_forwards(application, data) is follows


@pytest.mark.parametrize(
    ("fields", "is_trunk", "lacking"),
    [
        ({"identify_by": "ip", "auth": ""}, True, 0),
        ({"identify_by": "username,ip", "auth": ""}, True, 1),
        ({"identify_by": "username,ip", "auth": "carrier"}, True, 0),
        ({"identify_by": "username,ip", "auth": ""}, False, 0),
        ({"identify_by": "ip", "redirect_method": "uri_pjsip"}, True, 1),
        ({"identify_by": "ip", "redirect_method": "user"}, False, 0),
    ],
)
def test_endpoints(fields: dict[str, str], is_trunk: bool, lacking: int) -> None:
    found = toll_findings("PJSIP/carrier", fields, is_trunk=is_trunk)
    assert sum(x.verdict == "LACKING" for x in found) == lacking
