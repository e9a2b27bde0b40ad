"""Commands that take minutes, run in a thread, and can be ended from outside of it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable

from bridge.local_asterisk.errors import NoAsteriskError

BUILD_TIMEOUT_S = 600
"""Of one command. It takes 20 s with a near mirror."""
_POLL_S = 0.1
_STEP = "I: "
"""The characters before the name of a step of mmdebstrap."""
_END_S = 10.0
"""So long a package manager may tidy up."""


class BuildStopped(NoAsteriskError):
    """The build was told to stop."""


class BuildCommands:
    """`run` belongs to the thread of the build, `stop` to anybody.

    `step` is told each step that a command names, and an empty text when the command has ended.
    """

    def __init__(self, step: Callable[[str], None] = lambda _: None) -> None:
        self._stopped = threading.Event()
        self._step = step

    def stop(self) -> None:
        """End the command that runs; no other begins."""
        self._stopped.set()

    def check(self) -> None:
        """Raises BuildStopped once `stop` was called."""
        if self._stopped.is_set():
            raise BuildStopped("the build of a private Asterisk was stopped")

    def wait(self) -> None:
        """A moment between two looks at something. Raises BuildStopped."""
        self._stopped.wait(_POLL_S)
        self.check()

    def run(self, *command: str) -> None:
        """Raises NoAsteriskError with its last lines if it fails, BuildStopped."""
        self.check()
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C is ours to hear; and all of it can be ended
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
        ) as process:
            try:
                output = self._output(process, command[0])
            finally:
                self._step("")
        if process.returncode != 0:
            last = "\n".join(f"  {line}" for line in output.splitlines()[-15:])
            raise NoAsteriskError(f"`{' '.join(command)}` failed:\n{last}")

    def _output(self, process: subprocess.Popen[str], name: str) -> str:
        deadline = time.monotonic() + BUILD_TIMEOUT_S
        lines: list[str] = []
        reader = threading.Thread(target=self._read, args=(process, lines), daemon=True)
        reader.start()
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=_POLL_S)
                    reader.join(_END_S)
                    return "".join(lines)
                self.check()
                if time.monotonic() > deadline:
                    raise NoAsteriskError(f"{name} took more than {BUILD_TIMEOUT_S} s")
        except BaseException:
            _end(process)
            raise
        finally:
            reader.join(_END_S)  # else closing its pipe waits for whoever still holds it

    def _read(self, process: subprocess.Popen[str], lines: list[str]) -> None:
        for line in process.stdout or ():
            lines.append(line)
            if line.startswith(_STEP):
                self._step(line.removeprefix(_STEP).strip())


def _end(process: subprocess.Popen[str]) -> None:
    """With all that it has started."""
    for ending in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, ending)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_END_S)
            break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # who is left of its group ignores the first one
