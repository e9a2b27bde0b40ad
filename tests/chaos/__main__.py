"""`make chaos`: calls, while the service is killed, frozen and cut off. CHAOS_ARGS="--minutes 60".

It ends with exit status 1 if a call was lost, doubled or left behind. With the printed `--seed`,
the same faults come at the same moments again.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import tempfile
from pathlib import Path

from .run import chaos


def main() -> None:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--calls-per-second", type=float, default=10)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32))
    asked = parser.parse_args()
    say = sys.stdout.write
    say(f"--seed {asked.seed}\n")
    with tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as name:
        folder = Path(name) / "stage"
        report = asyncio.run(chaos(folder, 60 * asked.minutes, asked.calls_per_second, asked.seed))
    say(f"{report}\n")
    sys.exit(bool(report.wrong))


if __name__ == "__main__":
    main()
