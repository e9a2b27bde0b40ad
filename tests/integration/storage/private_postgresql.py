"""A PostgreSQL server of the tests' own: Debian's package, a temporary folder, no network.

Reachable only through a Unix socket in a folder that only its user and root may enter.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from bridge.testing.softphones.toolchain import installing

_BINARIES = Path("/usr/lib/postgresql")
_NO_MAIN_CLUSTER = Path("/etc/postgresql-common/createcluster.conf")
_USER = "bridge_tests"
_START_LIMIT_S = 30.0
_RUN_LIMIT_S = 60.0
_INSTALL_LIMIT_S = 300.0


class PostgresqlMissing(Exception):
    """It is not installed, and may not be installed by this user."""


class PrivatePostgresql:
    """`start` and `stop` may alternate; the data stay until `remove`."""

    def __init__(
        self, connections_max: int = 100, *, primary: PrivatePostgresql | None = None
    ) -> None:
        """A new one, or a standby of that `primary`, which runs."""
        self._connections_max = connections_max
        self._bin = _binaries()
        self._folder = Path(tempfile.mkdtemp(prefix="bridge-pg-"))
        self._data = self._folder / "data"
        self._backup = self._folder / "backup"
        self._account = _unprivileged_account()
        if self._account is not None:
            os.chown(self._folder, self._account.pw_uid, self._account.pw_gid)
        self._server: subprocess.Popen[bytes] | None = None
        self._databases = 0
        if primary is None:
            self._run(
                "initdb", "-D", self._data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C"
            )
        else:
            of_primary = ("-h", primary._folder, "-U", _USER)  # noqa: SLF001
            self._run("pg_basebackup", *of_primary, "-D", self._data, "-R", "-c", "fast")

    @property
    def socket(self) -> Path:
        """Of the server, while it runs."""
        return self._folder / ".s.PGSQL.5432"

    def wait_for_standby(self) -> None:
        """From now on a commit is one only when a standby has it, too."""
        for statement in (
            "ALTER SYSTEM SET synchronous_standby_names = '*'",
            "SELECT pg_reload_conf()",
        ):
            self._run("psql", "-h", self._folder, "-U", _USER, "-d", "postgres", "-c", statement)

    def die(self) -> None:
        """As if the machine were gone: no client and no standby is told."""
        server, self._server = self._server, None
        assert server is not None
        processes = _children(server.pid)
        server.kill()  # first: it would start anew those that are killed
        for pid, _ in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        server.wait(_START_LIMIT_S)

    def promote(self) -> None:
        """The standby is the primary from now on."""
        self._run("pg_ctl", "promote", "-D", self._data, "-w")

    def start(self) -> None:
        log = (self._folder / "log").open("ab")
        with log:
            self._server = subprocess.Popen(
                [
                    self._bin / "postgres",
                    *("-D", self._data),
                    *("-c", "listen_addresses="),
                    *("-c", f"unix_socket_directories={self._folder}"),
                    *("-c", "shared_buffers=32MB"),
                    *("-c", f"max_connections={self._connections_max}"),
                    *("-c", "deadlock_timeout=100ms"),
                ],
                cwd=self._folder,
                stdout=log,
                stderr=log,
                **self._as_account(),
            )
        deadline = time.monotonic() + _START_LIMIT_S
        while self._run("pg_isready", "-q", "-h", self._folder, check=False) != 0:
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self._folder / "log").read_text())
            time.sleep(0.05)  # it is asked until the deadline

    def stop(self) -> None:
        """At once, without waiting for clients; committed transactions are kept."""
        server, self._server = self._server, None
        if server is not None:
            server.send_signal(signal.SIGINT)
            server.wait(_START_LIMIT_S)

    @contextlib.contextmanager
    def frozen(self, *, only_backends: bool = False) -> Iterator[None]:
        """The server hangs; with `only_backends` it still takes new connections, and serves them.

        Open connections hang in both cases. All of it goes on at the end.
        """
        assert self._server is not None
        stopped: list[int] = []
        try:
            if not only_backends:  # first: it gives a child's pid back once the child has ended
                os.kill(self._server.pid, signal.SIGSTOP)
                stopped.append(self._server.pid)
            for pid, command in _children(self._server.pid):
                if only_backends and not command.startswith(f"postgres: {_USER} "):
                    continue
                with contextlib.suppress(ProcessLookupError):  # it has ended since it was listed
                    os.kill(pid, signal.SIGSTOP)
                    stopped.append(pid)
            yield
        finally:
            for pid in stopped:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def back_up(self) -> None:
        """Copy all of it while it serves; the copy before is thrown away."""
        shutil.rmtree(self._backup, ignore_errors=True)
        of_this = ("-h", self._folder, "-U", _USER)
        self._run("pg_basebackup", *of_this, "-D", self._backup, "-c", "fast")

    def restore(self) -> None:
        """Be as the copy was; the server is stopped. The copy can be used once."""
        assert self._server is None
        shutil.rmtree(self._data)
        self._backup.rename(self._data)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def new_database(self) -> str:
        """The URL of an empty database."""
        self._databases += 1
        name = f"test_{self._databases}"
        self._run("createdb", "-h", self._folder, "-U", _USER, name)
        return f"postgresql+asyncpg://{_USER}@/{name}?host={self._folder}"

    def backends(self, url: str) -> list[int]:
        """The pids of the processes that serve this database now."""
        assert self._server is not None
        of_database = f"postgres: {_USER} {make_url(url).database} ["
        return [x for x, command in _children(self._server.pid) if command.startswith(of_database)]

    def _run(self, program: str, *arguments: str | Path, check: bool = True) -> int:
        ended: subprocess.CompletedProcess[str] = subprocess.run(
            [self._bin / program, *arguments],
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=_RUN_LIMIT_S,
            **self._as_account(),
        )
        if check and ended.returncode != 0:
            raise RuntimeError(f"{program}: {ended.stdout}{ended.stderr}")
        return ended.returncode

    def _as_account(self) -> dict[str, Any]:
        if self._account is None:
            return {}
        return {
            "user": self._account.pw_uid,
            "group": self._account.pw_gid,
            "extra_groups": [],
        }


def _unprivileged_account() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _children(parent: int) -> list[tuple[int, str]]:
    """Their pids, and what they call themselves."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        with contextlib.suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent:
                command = (folder / "cmdline").read_text().replace("\0", " ").strip()
                found.append((int(folder.name), command))
    return found


def _binaries() -> Path:
    """The newest version's folder; installs the package where there is none."""
    if not any(_BINARIES.glob("*/bin/initdb")):
        with installing():
            if not any(_BINARIES.glob("*/bin/initdb")):
                _install()
    found = sorted(_BINARIES.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent


def _install() -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise PostgresqlMissing("needs `apt-get install postgresql`, or root to do that")
    if not _NO_MAIN_CLUSTER.parent.exists():  # the package would start a server of its own
        _NO_MAIN_CLUSTER.parent.mkdir()
        _NO_MAIN_CLUSTER.write_text("create_main_cluster = false\n")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for step in (
        ["update", "-q"],
        ["install", "-q", "-y", "--no-install-recommends", "postgresql"],
    ):
        subprocess.run(
            ["apt-get", *step],
            check=True,
            env=environment,
            timeout=_INSTALL_LIMIT_S,
            stdout=subprocess.DEVNULL,
        )
