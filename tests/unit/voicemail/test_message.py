"""Messages as the PBX keeps them: what a caller or a fault wrote there is no message."""

from __future__ import annotations

import pytest

from bridge.pbx.ami.lamp_call import lamp_action
from bridge.pbx.ami.mailboxes import AsteriskMailboxes
from bridge.pbx.ami.message import Headers
from bridge.pbx.ami.values import AmiAction
from bridge.voicemail.mailbox_pbx import MailboxUnavailable
from bridge.voicemail.message import Message, MessageState, parse_message

VALUE = "1767225600~1767225590.4~1767225590.4~5550003210~Ann%7E%2C%20Bob"
KEY = "/uapi-voicemail/new/0003*211/voicemail-1767225600-17672255904"
MESSAGE = Message(
    "voicemail-1767225600-17672255904",
    "0003*211",
    1_767_225_600_000,
    "1767225590.4",
    "1767225590.4",
    "5550003210",
    "Ann~, Bob",
)


class Asterisk:
    """`items`: what a list has. `sent`: the headers of every action."""

    def __init__(self, *items: tuple[str, str]) -> None:
        self.items = items
        self.sent: list[tuple[str, dict[str, str]]] = []
        self.answer: Headers = {"Response": "Success"}

    async def send(self, action: AmiAction) -> Headers:
        self.sent.append((action.name, dict(action.headers)))
        for key, value in self.items:
            assert action.each_item is not None
            action.each_item({"Event": "DBGetTreeResponse", "Key": key, "Val": value})
        return self.answer


def test_a_message() -> None:
    assert parse_message("0003*211", MESSAGE.id, VALUE) == MESSAGE


@pytest.mark.parametrize("value", ["", "1", "x~a~b~c~d", "1~~b~c~d", "1~a~~c~d"])
def test_what_is_no_message(value: str) -> None:
    assert parse_message("0003*211", MESSAGE.id, value) is None


async def test_only_messages_are_taken_from_the_database() -> None:
    asterisk = Asterisk(
        (KEY, VALUE),
        (KEY.replace("/new/", "/other/"), VALUE),
        (KEY.replace("0003*211", "0003"), VALUE),
        (KEY + "/more", VALUE),
        (KEY.replace("voicemail-17", "x-17"), VALUE),
        ("", ""),
    )
    mailboxes = AsteriskMailboxes(asterisk)
    assert await mailboxes.mailboxes() == {"0003*211"}
    assert asterisk.sent == [("DBGetTree", {"Family": "uapi-voicemail"})]


async def test_a_message_is_forgotten_by_its_key() -> None:
    asterisk = Asterisk()
    await AsteriskMailboxes(asterisk).forget("0003*211", MessageState.NEW, MESSAGE.id)
    assert asterisk.sent == [("Setvar", {"Variable": f"DB_DELETE({KEY[1:]})", "Value": "1"})]


@pytest.mark.parametrize(
    ("mailbox", "message_id"),
    [("0003*211", "x)"), ("0003*211)", MESSAGE.id), ("0003*211", "voicemail-1-a/../b"), ("", "")],
)
async def test_no_other_key_is_ever_written(mailbox: str, message_id: str) -> None:
    asterisk = Asterisk()
    mailboxes = AsteriskMailboxes(asterisk)
    with pytest.raises(MailboxUnavailable):
        await mailboxes.forget(mailbox, MessageState.NEW, message_id)
    with pytest.raises(MailboxUnavailable):
        await mailboxes.recover(mailbox, message_id)
    assert asterisk.sent == []


async def test_a_refusal_is_told() -> None:
    asterisk = Asterisk()
    asterisk.answer = {"Response": "Error", "Message": "Permission denied"}
    with pytest.raises(MailboxUnavailable, match="Permission denied"):
        await AsteriskMailboxes(asterisk).mailboxes()


def test_a_lamp_is_set_by_a_call_that_is_nobodys() -> None:
    action = lamp_action("0003*211", MESSAGE.id)
    headers = dict(action.headers)
    assert headers["Channel"] == "Local/0003*211@uapi-voicemail-set-lamp/n"
    assert headers["Variable"] == f"BRIDGE_LOST={MESSAGE.id}"
    assert headers["ChannelId"].startswith("uapi-bridge-check-")
