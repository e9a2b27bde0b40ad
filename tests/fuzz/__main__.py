"""`make fuzz`: a long run, with examples that are other ones each time. FUZZ_ARGS="--minutes 60".

It ends with exit status 1 if an answer was not as the document says. The seed is printed; with
`--seed` the same requests are made again.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import tempfile
from pathlib import Path

from .run import fuzz, open_fuzz_lab

_SEEDS = 1 << 32


async def main(minutes: int, seed: int) -> bool:
    """Whether there were faults."""
    with tempfile.TemporaryDirectory(prefix="fuzz-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        async with await open_fuzz_lab(folder) as lab:
            report = await fuzz(lab, folder, examples=100, seed=seed, seconds=60 * minutes)
    print(report.text)
    return report.faults


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(_SEEDS))
    asked = parser.parse_args()
    sys.exit(asyncio.run(main(asked.minutes, asked.seed)))
