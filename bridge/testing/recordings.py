"""The recordings of calls, as the Verba API gives them."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from bridge.testing.expecting import fail
from bridge.testing.followed_call import FollowedCall
from bridge.testing.journal import Journal
from bridge.testing.softphones.heard_audio import HeardAudio, read_wav
from bridge.testing.verba_client import VerbaClient


@dataclass(frozen=True)
class Recording:
    """`wav`: the file, complete. `audio`: its samples."""

    conversation_id: str
    wav: bytes = field(repr=False)
    audio: HeardAudio = field(repr=False)

    @property
    def duration_s(self) -> float:
        """Its length in seconds."""
        return self.audio.duration_s

    def level_db(self, freq_hz: float) -> float:
        """How loud a tone is in it; a full sine is 0, and silence is -120."""
        return self.audio.tone_level_db(freq_hz)


class Recordings:
    """Finds the recordings of a test's calls."""

    def __init__(self, verba: VerbaClient, journal: Journal) -> None:
        self._verba = verba
        self._journal = journal

    async def run(self, call: FollowedCall, *, for_s: float = 1.0) -> None:
        """The live call is recorded, and stays so for `for_s` seconds.

        Raises FlowFailure if its recording does not begin within 20 s.
        """
        await self._conversation(call, ongoing=True)
        await asyncio.sleep(for_s)  # as long as the talk shall last

    async def of(self, call: FollowedCall) -> Recording:
        """The recording of a call that is over, once it is complete.

        Raises FlowFailure if there is none within 20 s.
        """
        conversation = await self._conversation(call, ongoing=False)
        answer = await self._verba.ask("GetMedia", callID=conversation)
        if answer.status != 200 or not answer.body.startswith(b"RIFF"):
            seen = f"{answer.status}: {answer.body[:200]!r}"
            raise fail(self._journal, "the recording can be read", seen, call_id=call.id)
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            file.write(answer.body)
            file.flush()
            audio = read_wav(Path(file.name))
        return Recording(conversation, answer.body, audio)

    async def _conversation(self, call: FollowedCall, *, ongoing: bool) -> str:
        expected = f"call {call.id} {'is recorded' if ongoing else 'has a recording'}"
        try:
            found = await self._verba.conversation(call.id, ongoing=ongoing)
        except AssertionError as why:
            raise fail(self._journal, expected, str(why), call_id=call.id) from None
        self._journal.step(expected, kind="expected", call_id=call.id)
        return found.findtext("ccdr_id", "")

    async def none_of(self, call: FollowedCall) -> None:
        """The call that is over was not recorded. Raises FlowFailure if it was."""
        answer = await self._verba.ask(
            "SearchCalls", start="2000-01-01 00:00", f_platform_call_id=call.id
        )
        if answer.calls:
            seen = f"{len(answer.calls)} recordings"
            raise fail(self._journal, "the call has no recording", seen, call_id=call.id)
