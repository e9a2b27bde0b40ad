"""One Asterisk process: rendered, started, waited for, stopped, and cleaned up after."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from bridge.local_asterisk.errors import AsteriskStartError, LocalAsteriskError
from bridge.local_asterisk.installation import Installation
from bridge.local_asterisk.orphan_process import end_orphan_process

POLL_S = 0.02
UNIX_SOCKET_PATH_MAX = 107
"""sun_path of Linux is 108 bytes with its end."""

# Recordings, and the phones' passwords in astdb, are for nobody else. (uvloop takes no umask.)
_PRIVATE = 'umask 077 && exec "$@"'
FALSE_WARNING = "Option 'stir_shaken' is no longer supported."
"""Asterisk 22 writes this option itself with each object in astdb, then complains."""


class AsteriskProcess:
    """Everything of it is below `folder`: conf, var (astdb), run, log, spool, pid.

    The folder must be held by one owner at a time; LocalAsterisk sees to that.
    """

    def __init__(
        self,
        *,
        name: str,
        installation: Installation,
        folder: Path,
        render: Path,
        templates: Path,
        values: Mapping[str, str],
        start_timeout_s: float = 60.0,
        stop_timeout_s: float = 10.0,
    ) -> None:
        self.name = name
        self.folder = folder.absolute()
        self._installation = installation
        self._render = render
        self._templates = templates
        self._values = dict(values)
        self._start_timeout_s = start_timeout_s
        self._stop_timeout_s = stop_timeout_s
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The pid while it runs."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process is not None and running else None

    @property
    def log_file(self) -> Path:
        """Notices, warnings and errors of the present run; the run before is in `.1`."""
        return self.folder / "log" / "messages.log"

    @property
    def spool_dir(self) -> Path:
        """Holds `monitor` and `recording`."""
        return self.folder / "spool"

    @property
    def _config(self) -> Path:
        return self.folder / "conf" / "asterisk.conf"

    @property
    def _socket(self) -> Path:
        return self.folder / "run" / "asterisk.ctl"

    @property
    def _pid_file(self) -> Path:
        return self.folder / "pid"

    def problems(self) -> list[str]:
        """The warnings and errors of the present run, without the one that is false."""
        if not self.log_file.exists():
            return []
        lines = self.log_file.read_text(errors="replace").splitlines()
        return [
            line
            for line in lines
            if ("] WARNING[" in line or "] ERROR[" in line) and FALSE_WARNING not in line
        ]

    async def start(self) -> None:
        """Return when Asterisk is fully booted. AsteriskStartError if it does not get there."""
        if self.pid is not None:
            return
        self._prepare()
        # setpriv: should we be killed, the kernel ends Asterisk. A session of its own:
        # Ctrl-C at the terminal reaches only us, and we stop Asterisk in good order.
        with (self.folder / "log" / "console.log").open("wb") as console:
            self._process = await asyncio.create_subprocess_exec(
                *("sh", "-c", _PRIVATE, "sh", "setpriv", "--pdeathsig", "TERM"),
                *self._installation.command(self.folder, ["-C", str(self._config), "-f"]),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._pid_file.write_text(f"{self._process.pid}\n")
        try:
            async with asyncio.timeout(self._start_timeout_s):
                await self._wait_until_booted(self._process)
        except TimeoutError:
            await self.kill()
            raise AsteriskStartError(
                f"{self.name} was not ready within {self._start_timeout_s:g} s.\n{self._last_log()}"
            ) from None
        except BaseException:
            await self.kill()
            raise

    async def stop(self) -> None:
        """End it in good order (phones' registrations are written), by force if it hangs."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """SIGKILL, as a crash would be. A write to astdb of the last second may be lost."""
        await self._end(signal.SIGKILL)

    async def ended(self) -> None:
        """Return when the present run ended."""
        if self._process is not None:
            await self._process.wait()

    async def console(self, command: str) -> str:
        """The output of a console command, e.g. "core show channels"."""
        code, output = await self._remote(command)
        if code != 0:
            raise LocalAsteriskError(f"{self.name}: console command failed: {output.strip()}")
        return output

    async def stop_orphan(self) -> None:
        """End an Asterisk that an earlier, killed owner of this folder left behind."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            await end_orphan_process(
                int(self._pid_file.read_text()),
                os.fsencode(self._config),
                timeout_s=self._stop_timeout_s,
            )
        self._pid_file.unlink(missing_ok=True)

    def _prepare(self) -> None:
        if len(os.fsencode(self._socket)) > UNIX_SOCKET_PATH_MAX:
            raise LocalAsteriskError(
                f"the state folder's name is too long for a Unix socket: {self._socket} "
                f"has more than {UNIX_SOCKET_PATH_MAX} bytes"
            )
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("conf", "var", "run", "log", "spool", "root"):
            (self.folder / name).mkdir(exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # one that an older version left readable
            (self.folder / "var" / "astdb.sqlite3").chmod(0o600)
        # Without it ARI cannot list stored recordings.
        (self.spool_dir / "recording").mkdir(exist_ok=True)
        # After a crash the socket is there, but nobody listens.
        self._socket.unlink(missing_ok=True)
        if self.log_file.exists():
            self.log_file.replace(self.log_file.with_name("messages.log.1"))
        # Not merged with what an older version of the templates left.
        shutil.rmtree(self.folder / "conf")
        rendered = subprocess.run(
            [str(self._render), str(self._templates), str(self.folder / "conf")],
            env={
                "PATH": os.environ.get("PATH", os.defpath),
                **self._values,
                "ASTERISK_VERSION": self._installation.version,
                "CONF_DIR": str(self.folder / "conf"),
                "VAR_DIR": str(self.folder / "var"),
                "RUN_DIR": str(self.folder / "run"),
                "LOG_DIR": str(self.folder / "log"),
                "SPOOL_DIR": str(self.folder / "spool"),
                "MODULE_DIR": str(self._installation.modules_dir),
                "MODULE_DIR_HERE": str(self._installation.modules_dir_here),
                "DATA_DIR": str(self._installation.data_dir),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        if rendered.returncode != 0:
            raise AsteriskStartError(f"{self.name}: {rendered.stderr.strip()}")

    async def _remote(self, command: str) -> tuple[int, str]:
        """Once its socket is there; before, it may not be in its root yet."""
        pid = self.pid
        if pid is None:
            return 1, "it does not run"
        arguments = ["-C", str(self._config), "-rx", command]
        process = await asyncio.create_subprocess_exec(
            *self._installation.command_beside(pid, arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            output, _ = await process.communicate()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        return process.returncode or 0, output.decode(errors="replace")

    async def _wait_until_booted(self, process: asyncio.subprocess.Process) -> None:
        while True:
            if process.returncode is not None:
                raise AsteriskStartError(
                    f"{self.name} ended at once (code {process.returncode}).\n{self._last_log()}"
                )
            if self._socket.exists():
                code, output = await self._remote("core waitfullybooted")
                if code == 0 and "fully booted" in output:
                    break
            await asyncio.sleep(POLL_S)
        # Asterisk 22 goes on without a module that modules.conf requires.
        if any(line.endswith("- Required") for line in self.problems()):
            raise AsteriskStartError(f"{self.name} lacks modules.\n{self._last_log()}")

    async def _end(self, ending: signal.Signals) -> None:
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(ending)
            try:
                await asyncio.wait_for(process.wait(), self._stop_timeout_s)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        self._process = None
        self._pid_file.unlink(missing_ok=True)

    def _last_log(self, lines: int = 20) -> str:
        """The last lines of its log and of its output."""
        for file in (self.log_file, self.folder / "log" / "console.log"):
            if file.exists() and (text := file.read_text(errors="replace").strip()):
                shown = "\n".join(f"  {line}" for line in text.splitlines()[-lines:])
                return f"The last lines of {file}:\n{shown}"
        return "It logged nothing."
