"""What sox, a program that is not ours, finds in a recorded file."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

_TIMEOUT_S = 30.0
_HALF_BAND_HZ, _EDGE_HZ = 50, 20
_LEVEL = re.compile(r"^RMS lev dB\s+(\S+)$", re.M)


class SoxFailedError(Exception):
    """sox cannot read the file; `str()` is what it said."""


@dataclass(frozen=True)
class SoxAudio:
    """A file of audio of a kind that its name or its header tells; channels count from 1."""

    file: Path

    @property
    def channels(self) -> int:
        return int(_sox("--i", "-c", str(self.file)))

    @property
    def duration_s(self) -> float:
        return float(_sox("--i", "-D", str(self.file)))

    def tone_db(self, tone_hz: int, channel: int = 1, *, last_s: float | None = None) -> float:
        """RMS level of a narrow band around the tone, in dB of full scale; -inf for nothing.

        A phone's tone is a sine with half of full scale: -9 dB. `last_s`: only of the end.
        """
        end = () if last_s is None else ("trim", f"-{last_s:g}")
        band = f"{tone_hz - _HALF_BAND_HZ}-{tone_hz + _HALF_BAND_HZ}"
        sinc = ("sinc", "-t", str(_EDGE_HZ), band)
        said = _sox(str(self.file), "-n", "remix", str(channel), *end, *sinc, "stats")
        found = _LEVEL.search(said)
        assert found is not None, said
        return float(found[1])


def _sox(*arguments: str) -> str:
    """What it prints, on either output. Raises SoxFailedError."""
    done = subprocess.run(
        ["sox", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=_TIMEOUT_S,
    )
    if done.returncode != 0:
        raise SoxFailedError(done.stdout)
    return done.stdout
