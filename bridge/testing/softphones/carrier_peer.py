"""A SIP peer of the simulated public network: one number with its audio."""

from __future__ import annotations

import array
import asyncio
import random
import socket
import struct
from dataclasses import dataclass

from . import mu_law
from .heard_audio import HeardAudio
from .phone_script import PhoneScript
from .plain_call import PlainCall
from .rtp_stream import RtpStream
from .scripted_phone import ScriptedPhone
from .sip_message import SipMessage

_EVENT, _PCMU = 101, 0
_KEYS = "0123456789*#ABCD"
_KEPT_SAMPLES = 60 * mu_law.RATE_HZ
_PACKET_SAMPLES = 160


@dataclass(frozen=True)
class LineQuality:
    """`tone_hz`: 0 is silence. `loss`: the part of the packets to the caller that is lost."""

    tone_hz: float = 1000.0
    loss: float = 0.0
    sends: bool = True
    hears: bool = True


class Ears:
    """`digits`: all that came as RFC 4733. `heard()`: the audio of the last minute."""

    def __init__(self) -> None:
        self.digits = ""
        self._samples = array.array("h")
        self._last_event = -1

    def take(self, packet: bytes) -> None:
        """One packet of RTP."""
        if len(packet) < 12:
            return
        kind, stamp = packet[1] & 0x7F, struct.unpack("!I", packet[4:8])[0]
        content = packet[12 + 4 * (packet[0] & 0x0F) :]
        if kind == _PCMU:
            self._samples.extend(mu_law.decoded(content))
            del self._samples[:-_KEPT_SAMPLES]
        elif kind == _EVENT and len(content) >= 4 and stamp != self._last_event:
            self._last_event = stamp  # all packets of one digit have its first time
            self.digits += _KEYS[content[0]] if content[0] < len(_KEYS) else ""

    def heard(self) -> HeardAudio:
        """The audio so far."""
        return HeardAudio(mu_law.RATE_HZ, self._samples)


class CarrierStream(RtpStream):
    """A tone of which packets may be lost. `sent` and `lost` count them."""

    def __init__(self, media: socket.socket, to: tuple[str, int], peer: CarrierPeer) -> None:
        super().__init__(media, to)
        self._peer = peer
        self._tone_hz = 0.0
        self._pieces = mu_law.tone(0.0, _PACKET_SAMPLES)

    def _send(self, kind: int, content: bytes) -> None:
        quality = self._peer.quality
        if kind == _PCMU and quality.tone_hz:
            if quality.tone_hz != self._tone_hz:
                self._tone_hz = quality.tone_hz
                self._pieces = mu_law.tone(quality.tone_hz, _PACKET_SAMPLES)
            content = next(self._pieces)
        if not quality.sends or self._peer.chance.random() < quality.loss:
            self._peer.lost += 1
            self._skip()
            return
        self._peer.sent += 1
        super()._send(kind, content)


class CarrierPeer(ScriptedPhone):
    """Takes calls without a registration. `script` is its SIP, `quality` its audio."""

    def __init__(self, number: str, server: tuple[str, int]) -> None:
        super().__init__(number, "", server, PhoneScript())
        self.quality = LineQuality()
        self.ears = Ears()
        self.chance = random.Random(number)  # the same losses in each run
        self.sent = 0
        self.lost = 0

    async def open(self) -> None:
        """Take calls from now on."""
        await super().open()
        asyncio.get_running_loop().add_reader(self._media, self._listen)

    async def vanish(self) -> None:
        """Take no more calls."""
        asyncio.get_running_loop().remove_reader(self._media)
        await super().vanish()

    @property
    def host_and_port(self) -> str:
        """Its address, as in a SIP URI."""
        return self.via_host

    def talk(self, call: PlainCall) -> None:
        """Send its tone until the call is over."""
        if call.audio is None and call.peer_media is not None:
            call.audio = CarrierStream(self._media, call.peer_media, self)
            self._spawn(call.audio.run(call.over))

    def _arrived(self, message: SipMessage) -> None:
        super()._arrived(message)
        call = self._call(message)
        if call is not None and self.script.progress:
            self.talk(call)

    def _listen(self) -> None:
        try:
            packet = self._media.recv(2048)
        except OSError:
            return  # nothing there, or the other side has closed
        if self.quality.hears:
            self.ears.take(packet)
