"""What the person who waits is told."""

from __future__ import annotations

import sys


def progress(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)  # noqa: T201 - the person who waits
