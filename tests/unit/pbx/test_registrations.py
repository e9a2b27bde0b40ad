"""The phones of an endpoint, as the PBX tells them by Getvar."""

from __future__ import annotations

from typing import cast

import pytest

from bridge.calls.pbx import InvalidPbxValue, PbxOutcomeUnknown, PbxUnavailable
from bridge.pbx.ami import values as ami_values
from bridge.pbx.ami.session import AmiSession
from bridge.pbx.ami.values import AmiAction
from bridge.pbx.phones.registrations import CONTACTS_MAX, Registration, Registrations

HASH = "6f2cf574edf2b72ba30edb95b458e96a"
DESK = f"0003*210;@{HASH}"


class Session:
    """Answers Getvar; a variable that it does not know is empty, as in Asterisk."""

    def __init__(self, values: dict[str, str], fault: Exception | None = None) -> None:
        self.values = values
        self.fault = fault
        self.asked: list[str] = []

    async def send(self, action: AmiAction) -> dict[str, str]:
        if self.fault is not None:
            raise self.fault
        [(_, variable)] = action.headers
        self.asked.append(variable)
        return {"Response": "Success", "Value": self.values.get(variable, "")}


async def of(session: Session, endpoint: str = "PJSIP/0003*210") -> object:
    return await Registrations(cast("AmiSession", session)).of(endpoint)


def contact(contact_id: str, uri: str, agent: str = "", expires: str = "") -> dict[str, str]:
    told = {"uri": uri, "user_agent": agent, "expiration_time": expires}
    return {f"PJSIP_CONTACT({contact_id},{field})": value for field, value in told.items()}


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("sip:0003*210@127.0.0.1:5070", "127.0.0.1:5070"),
        ("sip:a@[2001:db8::1]:5060;transport=tcp", "[2001:db8::1]:5060"),
        ("sips:192.0.2.7;transport=ws", "192.0.2.7"),
        ("nonsense", ""),
    ],
)
async def test_given_a_registered_phone_when_asked_then_agent_address_and_end_are_told(
    uri: str, address: str
) -> None:
    session = Session(
        {
            "PJSIP_ENDPOINT(0003*210,aors)": "0003*210",
            "PJSIP_AOR(0003*210,contact)": DESK,
            **contact(DESK, uri, "baresip v1.0.0", "1795918638"),
        }
    )
    assert await of(session) == (Registration("baresip v1.0.0", address, 1795918638),)


async def test_given_a_contact_of_pjsip_conf_when_asked_then_it_never_ends() -> None:
    fixed = f"desk@@{HASH}"
    session = Session(
        {
            "PJSIP_ENDPOINT(alice,aors)": "desk,other",
            "PJSIP_AOR(desk,contact)": fixed,
            **contact(fixed, "sip:127.0.0.1:5070"),
        }
    )
    assert await of(session, "PJSIP/alice") == (Registration("", "127.0.0.1:5070", None),)
    assert "PJSIP_AOR(other,contact)" in session.asked


async def test_given_no_module_for_endpoints_when_asked_then_the_aor_of_the_same_name_is() -> None:
    session = Session(
        {"PJSIP_AOR(0003*210,contact)": DESK, **contact(DESK, "sip:h", "x" * 999, "soon")}
    )
    assert await of(session) == (Registration("x" * 255, "h", 0),)


async def test_given_a_contact_that_has_left_or_none_when_asked_then_it_is_not_told() -> None:
    assert await of(Session({"PJSIP_AOR(0003*210,contact)": DESK})) == ()
    assert await of(Session({})) == ()


async def test_given_a_pbx_that_does_not_answer_when_asked_then_nothing_is_known() -> None:
    for fault in (PbxUnavailable("down"), PbxOutcomeUnknown("no answer")):
        assert await of(Session({}, fault)) is None


async def test_given_what_is_no_endpoint_or_id_when_asked_then_it_is_not_sent() -> None:
    session = Session({"PJSIP_AOR(0003*210,contact)": "x),SHELL(id"})
    assert await of(session) is None
    assert await of(session, "PJSIP/a)b") is None
    assert await of(session, "SIP/alice") is None
    assert not any("SHELL" in x or "a)b" in x for x in session.asked)
    with pytest.raises(InvalidPbxValue):
        ami_values.contact_id("0003*210;@" + "g" * 32)


async def test_given_more_contacts_than_devices_can_be_when_asked_then_some_are_left_out() -> None:
    ids = [f"0003*210;@{x:032x}" for x in range(CONTACTS_MAX + 5)]
    values = {"PJSIP_AOR(0003*210,contact)": ",".join(ids)}
    for one in ids:
        values |= contact(one, "sip:h")
    found = await of(Session(values))
    assert isinstance(found, tuple)
    assert len(found) == CONTACTS_MAX
