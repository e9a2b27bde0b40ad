"""How loud a tone is in what a phone heard."""

from __future__ import annotations

import array
import itertools
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path

SILENCE_DB = -120.0

_WINDOW_S = 0.25
_QUIET = 300  # of 32768, which is -41 dB


@dataclass(frozen=True)
class HeardAudio:
    """16 bit samples of one channel."""

    rate_hz: int
    samples: array.array[int]

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.rate_hz

    def last(self, seconds: float) -> HeardAudio:
        count = max(1, int(seconds * self.rate_hz))
        return HeardAudio(self.rate_hz, self.samples[-count:])

    def tone_level_db(self, freq_hz: float) -> float:
        """Level of the tone in its loudest quarter of a second.

        0 dB is a sine of full scale; baresip's tone is sent at -6 dB. The best window counts,
        because a call begins with silence and ends with a cut.
        """
        size = int(self.rate_hz * _WINDOW_S)
        best = 0.0
        for start in range(0, len(self.samples) - size + 1, size):
            best = max(best, _goertzel(self.samples[start : start + size], self.rate_hz, freq_hz))
        return 20 * math.log10(best / 32768) if best > 0.04 else SILENCE_DB

    def pure_tone_hz(self) -> float | None:
        """The one tone that its last quarter of a second is; None for silence and for a mix."""
        end = self.last(_WINDOW_S)
        rises = [
            at
            for at, (one, other) in enumerate(itertools.pairwise(end.samples))
            if one < 0 <= other
        ]
        if len(rises) < 2:
            return None
        freq_hz = (len(rises) - 1) * self.rate_hz / (rises[-1] - rises[0])
        total = math.sqrt(2 * sum(x * x for x in end.samples) / len(end.samples))
        tone = _goertzel(end.samples, self.rate_hz, freq_hz)
        return freq_hz if tone > 0.7 * total and tone > _QUIET else None


def _goertzel(samples: array.array[int], rate_hz: int, freq_hz: float) -> float:
    """Amplitude of one frequency, in sample units."""
    coefficient = 2 * math.cos(2 * math.pi * freq_hz / rate_hz)
    before = last = 0.0
    for sample in samples:
        before, last = last, sample + coefficient * last - before
    power = before * before + last * last - coefficient * before * last
    return 2 * math.sqrt(max(power, 0.0)) / len(samples)


def read_last(path: Path, last_s: float) -> HeardAudio | None:
    """The audio that came in the last seconds of a file that is written; None if none came.

    Raises ValueError as read_wav does.
    """
    came_s = last_s - max(0.0, time.time() - path.stat().st_mtime)
    return read_wav(path).last(came_s) if came_s > 0 else None


def read_wav(path: Path) -> HeardAudio:
    """Read a 16 bit PCM wav file, also one that is still being written.

    Until the writer closes it, its header says that it is empty, therefore the length comes
    from the file and not from the header. Raises ValueError for anything but 16 bit PCM.
    """
    data = path.read_bytes()
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ValueError(f"{path.name} is not a wav file")
    rate_hz, channels, position = 0, 0, 12
    while position + 8 <= len(data):
        kind = data[position : position + 4]
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        position += 8
        if kind == b"fmt ":
            channels = int.from_bytes(data[position + 2 : position + 4], "little")
            rate_hz = int.from_bytes(data[position + 4 : position + 8], "little")
            bits = int.from_bytes(data[position + 14 : position + 16], "little")
            if bits != 16:
                raise ValueError(f"{path.name} has {bits} bits a sample, not 16")
        elif kind == b"data":
            break
        position += length + length % 2
    if not rate_hz or not channels:
        raise ValueError(f"{path.name} has no format chunk yet")
    usable = (len(data) - position) // (2 * channels) * 2 * channels
    samples = array.array("h", data[position : position + max(usable, 0)])
    if sys.byteorder == "big":
        samples.byteswap()
    return HeardAudio(rate_hz, samples[::channels])
