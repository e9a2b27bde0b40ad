"""What becomes of the messages that the PBX has, whatever happened to them before."""

from __future__ import annotations

import array
import struct
from collections.abc import Mapping
from dataclasses import replace

import pytest

from bridge.clock import now_ms
from bridge.recordings.conversation import Conversation, Marks, StoredConversation
from bridge.recordings.measuring import stereo_header
from bridge.testing.eventually import eventually
from bridge.voicemail.mailbox_pbx import MailboxUnavailable
from bridge.voicemail.mailboxes import Mailboxes
from bridge.voicemail.message import Message, MessageState
from bridge.voicemail.message_conversations import MessageConversations
from bridge.voicemail.voicemail_settings import VoicemailSettings
from tests.lab.instant_time import instant
from tests.unit.recordings.fakes import DIRECTORY, FakeWorld, Studio

BOX, CALL = "0003*211", "0123456789abcdef0123"
SPEECH, SILENCE = 9000, 20
DAY_MS = 24 * 3600 * 1000


def wav(loudest: int) -> bytes:
    samples = array.array("h", [0, loudest, -loudest, 0] * 4000).tobytes()
    header = bytearray(stereo_header(len(samples)))
    header[22:24], header[40:44] = struct.pack("<H", 1), struct.pack("<I", len(samples))
    return bytes(header) + samples


def message(number: int = 1, *, age_ms: int = 10_000, linkedid: str = CALL) -> Message:
    began_ms = now_ms() - age_ms
    return Message(f"voicemail-1-{number}", BOX, began_ms, linkedid, "9.9", "5550003210", "Ann")


class World(FakeWorld):
    """`boxes`: what the PBX keeps, by state and id. `lamps`: how often each lamp was set."""

    def __init__(self) -> None:
        super().__init__()
        self.boxes: dict[tuple[MessageState, str], Message] = {}
        self.lamps = 0
        self.attached: dict[str, Mapping[str, str]] = {}
        self.pbx_fails = ""

    def leave(
        self, one: Message, state: MessageState = MessageState.NEW, loud: int = SPEECH
    ) -> None:
        self.boxes[state, one.id] = one
        self.files[one.id] = wav(loud)

    def states(self) -> list[str]:
        return [state.value for state, _ in self.boxes]

    async def attach(
        self, conversation_id: str, values: Mapping[str, str], at_most: int | None = None
    ) -> bool:
        self.attached[conversation_id] = values
        return True

    async def mailboxes(self) -> set[str]:
        if self.pbx_fails:
            raise MailboxUnavailable(self.pbx_fails)
        return {x.mailbox for x in self.boxes.values()}

    async def messages(self, mailbox: str) -> list[tuple[MessageState, Message]]:
        if self.pbx_fails:
            raise MailboxUnavailable(self.pbx_fails)
        order = list(MessageState)
        found = sorted(self.boxes.items(), key=lambda x: order.index(x[0][0]))
        return [(state, one) for (state, _), one in found]

    async def recover(self, mailbox: str, message_id: str) -> None:
        self.boxes[MessageState.NEW, message_id] = self.boxes.pop(
            (MessageState.RECORDING, message_id)
        )

    async def forget(self, mailbox: str, state: MessageState, message_id: str) -> None:
        self.boxes.pop((state, message_id), None)

    async def set_lamp(self, mailbox: str) -> None:
        self.lamps += 1


class Office:
    """`async with Office() as office`: everything that voicemail needs."""

    def __init__(self, *, kept_days: int = 90, retention_days: int = 0) -> None:
        self.world = World()
        self.studio = Studio(self.world, retention_days=retention_days)
        self.mailboxes = Mailboxes(
            VoicemailSettings("pbx1", 180, kept_days, 300.0),
            self.world,
            MessageConversations(
                "pbx1",
                self.world,
                self.studio.exchange.records,
                self.studio.deletion,
                DIRECTORY,
                self.studio.locks,
            ),
            self.world,
            self.studio.exchange.switchboard,
            DIRECTORY,
        )

    @property
    def conversation(self) -> Conversation:
        [stored] = self.world.records.values()
        return stored.conversation

    async def __aenter__(self) -> Office:
        self.mailboxes.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.mailboxes.stop()

    async def look(self) -> None:
        """Until nothing is left to do: twice, since a look may cause another one."""
        for _ in range(2):
            self.world.lamps = 0
            await self.mailboxes.link_up()
            if self.world.boxes:
                await eventually(lambda: self.world.lamps > 0)


@instant
async def test_given_a_new_message_when_looked_at_then_it_is_a_conversation() -> None:
    async with Office() as office:
        office.world.leave(message())
        await office.look()
        [stored] = office.world.records.values()
        one = stored.conversation
        assert (one.call_id, one.destination.number, one.extension) == (CALL, BOX, BOX)
        assert (one.source.number, one.source.name) == ("5550003210", "Ann")
        assert {BOX, "5550003211", "5550003210"} <= one.numbers
        [media] = one.media
        assert (media.name, media.length_ms, media.bytes) == ("voicemail-1-1", 2000, 32_044)
        assert office.world.attached == {one.id: {"voicemail": BOX}}
        assert office.world.states() == ["new"]


@instant
async def test_given_a_recorded_call_when_it_leaves_a_message_then_that_is_a_part_of_it() -> None:
    async with Office() as office:
        office.world.leave(message(1))
        await office.look()
        office.world.leave(message(2))
        await office.look()
        [stored] = office.world.records.values()
        assert [(x.part, x.name) for x in stored.conversation.media] == [
            (1, "voicemail-1-1"),
            (2, "voicemail-1-2"),
        ]
        # The phone deletes one: it stays in the conversation of the call.
        office.world.boxes[MessageState.DELETED, "voicemail-1-2"] = office.world.boxes.pop(
            (MessageState.NEW, "voicemail-1-2")
        )
        await office.look()
        assert office.world.states() == ["new"]
        assert len(office.world.files) == 2


@instant
async def test_given_a_recording_that_goes_on_when_a_message_comes_then_it_waits_for_its_end() -> (
    None
):
    async with Office() as office:
        office.world.leave(message(1))
        await office.look()
        [(conversation_id, stored)] = office.world.records.items()
        ongoing = replace(stored.conversation, ended_ms=None)
        office.world.records[conversation_id] = StoredConversation(ongoing)
        office.world.leave(message(2))
        await office.look()
        [now] = office.world.records.values()
        assert len(now.conversation.media) == 1
        office.world.records[conversation_id] = stored
        await eventually(lambda: len(office.conversation.media) == 2)


@instant
@pytest.mark.parametrize("loud", [SILENCE, 0])
async def test_given_silence_when_looked_at_then_it_is_dropped(loud: int) -> None:
    async with Office() as office:
        office.world.leave(message(), loud=loud)
        await office.mailboxes.link_up()
        await eventually(lambda: not office.world.boxes and office.world.lamps)
        assert (office.world.files, office.world.records) == ({}, {})


@instant
async def test_given_a_message_that_a_phone_deleted_when_looked_at_then_nothing_is_left() -> None:
    async with Office() as office:
        office.world.leave(message())
        await office.look()
        office.world.boxes[MessageState.DELETED, "voicemail-1-1"] = office.world.boxes.pop(
            (MessageState.NEW, "voicemail-1-1")
        )
        await office.mailboxes.link_up()
        await eventually(lambda: not office.world.boxes)
        assert (office.world.files, office.world.records) == ({}, {})


@instant
async def test_given_retention_when_a_phone_deletes_then_the_recording_is_kept_until_its_day() -> (
    None
):
    async with Office(retention_days=7) as office:
        office.world.leave(message())
        await office.look()
        office.world.boxes[MessageState.DELETED, "voicemail-1-1"] = office.world.boxes.pop(
            (MessageState.NEW, "voicemail-1-1")
        )
        await office.look()
        assert (len(office.world.files), len(office.world.records)) == (1, 1)
        assert office.world.states() == ["deleted"]


@instant
async def test_given_a_conversation_that_an_app_deleted_when_looked_at_then_it_is_forgotten() -> (
    None
):
    async with Office() as office:
        office.world.leave(message())
        await office.look()
        [(conversation_id, stored)] = office.world.records.items()
        marked = StoredConversation(stored.conversation, Marks(deletion_ms=1))
        office.world.records[conversation_id] = marked
        office.mailboxes.conversation_removed(stored.conversation)
        await eventually(lambda: not office.world.boxes)
        # The record goes as well, and the message does not come back.
        office.world.audit_lines.append(conversation_id)
        del office.world.records[conversation_id]
        office.world.leave(message())
        await office.mailboxes.link_up()
        await eventually(lambda: not office.world.boxes)
        assert (office.world.files, office.world.records) == ({}, {})


@instant
async def test_given_a_call_deleted_while_it_left_a_message_then_nothing_is_left() -> None:
    async with Office() as office:
        office.world.audit_lines.append(CALL)
        office.world.leave(message())
        await office.mailboxes.link_up()
        await eventually(lambda: not office.world.boxes)
        assert (office.world.files, office.world.records) == ({}, {})


@instant
async def test_given_an_old_message_when_looked_at_then_it_is_deleted() -> None:
    async with Office(kept_days=3) as office:
        office.world.leave(message(1, age_ms=4 * DAY_MS))
        await office.mailboxes.link_up()
        await eventually(lambda: office.world.records)
        await office.mailboxes.link_up()
        await eventually(lambda: not office.world.boxes)
        assert (office.world.files, office.world.records) == ({}, {})


@instant
@pytest.mark.parametrize(("age_ms", "states"), [(5_000, ["recording"]), (400_000, ["new"])])
async def test_given_a_recording_when_its_channel_is_gone_for_long_then_it_is_a_message(
    age_ms: int, states: list[str]
) -> None:
    async with Office() as office:
        office.world.leave(message(age_ms=age_ms), MessageState.RECORDING)
        await office.mailboxes.link_up()
        await eventually(lambda: office.world.lamps)
        assert office.world.states() == states
        if states == ["new"]:
            await eventually(lambda: office.world.records)  # without another round


@instant
async def test_given_a_message_in_two_states_when_looked_at_then_the_later_one_counts() -> None:
    async with Office() as office:
        office.world.leave(message())
        office.world.leave(message(), MessageState.HEARD)
        await office.look()
        assert office.world.states() == ["heard"]


@instant
async def test_given_a_message_without_a_file_when_looked_at_then_it_is_forgotten() -> None:
    async with Office() as office:
        office.world.leave(message())
        office.world.files.clear()
        await office.mailboxes.link_up()
        await eventually(lambda: not office.world.boxes)
        assert office.world.records == {}


@instant
async def test_given_a_pbx_that_does_not_tell_when_nobody_has_voicemail_then_nothing_is_wrong() -> (
    None
):
    """The shipped directory has no extension with voicemail."""
    async with Office() as office:
        office.world.pbx_fails = "no such command"
        await office.mailboxes.link_up()
        assert office.mailboxes.problem == ""
        office.mailboxes.changed(BOX)
        await eventually(lambda: office.mailboxes.problem == "no such command")
        office.world.pbx_fails = ""
        await eventually(lambda: office.mailboxes.problem == "", timeout=20)


@instant
async def test_given_a_pbx_that_did_not_tell_at_first_when_it_does_then_lamps_are_set() -> None:
    async with Office() as office:
        office.world.leave(message())
        office.world.pbx_fails = "busy"
        await office.mailboxes.link_up()
        office.world.pbx_fails = ""
        await eventually(lambda: office.world.lamps, timeout=600)
