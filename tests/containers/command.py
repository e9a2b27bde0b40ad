"""Programs that are run to their end."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping


class CommandFailedError(Exception):
    """`str()` is the command with the end of its output."""


def run(
    *command: str,
    timeout_s: float,
    environment: Mapping[str, str] | None = None,
    stdin: str = "",
    check: bool = True,
    errors_too: bool = False,
) -> str:
    """Standard output, with `errors_too` the other one after it.

    Raises CommandFailedError for another code than 0 and when time is up.
    """
    try:
        done = subprocess.run(
            command,
            input=stdin,
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=timeout_s,
        )
    except subprocess.TimeoutExpired:
        raise CommandFailedError(f"{' '.join(command)}: not done in {timeout_s:g} s") from None
    if check and done.returncode != 0:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-40:])
        raise CommandFailedError(f"{' '.join(command)}: code {done.returncode}\n{last}")
    return done.stdout + (done.stderr if errors_too else "")
