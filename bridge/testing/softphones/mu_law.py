"""Audio as G.711 mu-law: one byte for each sample of 16 bits (ITU-T G.711)."""

from __future__ import annotations

import array
import math
from collections.abc import Iterator

RATE_HZ = 8000
_BIAS, _CLIP = 0x84, 32_635
_HALF_OF_FULL = 16_384  # -6 dB, as baresip sends its tone


def _encode(sample: int) -> int:
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), _CLIP) + _BIAS
    exponent = magnitude.bit_length() - 8
    return ~(sign | exponent << 4 | magnitude >> exponent + 3 & 0x0F) & 0xFF


def _decode(byte: int) -> int:
    byte = ~byte & 0xFF
    magnitude = ((byte & 0x0F) << 3) + _BIAS << (byte >> 4 & 0x07)
    return _BIAS - magnitude if byte & 0x80 else magnitude - _BIAS


_DECODED = [_decode(x) for x in range(256)]


def decoded(data: bytes) -> array.array[int]:
    """The samples of these bytes."""
    return array.array("h", (_DECODED[x] for x in data))


def tone(freq_hz: float, samples: int) -> Iterator[bytes]:
    """Pieces of a tone at -6 dB, one after the other without a gap, each of so many samples."""
    begin = 0
    while True:
        yield bytes(
            _encode(int(_HALF_OF_FULL * math.sin(2 * math.pi * freq_hz * n / RATE_HZ)))
            for n in range(begin, begin + samples)
        )
        begin += samples
