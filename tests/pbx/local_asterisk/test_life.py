"""Start, stop, crash and restart of real processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from bridge.local_asterisk.console import console_command
from bridge.local_asterisk.errors import AsteriskStartError, LocalAsteriskError, PortTakenError
from bridge.local_asterisk.installation import Installation
from bridge.local_asterisk.local_asterisk import LocalAsterisk
from bridge.local_asterisk.ports import AsteriskPorts
from bridge.testing.eventually import eventually
from bridge.testing.lab.asterisk_ports import free_asterisk_ports
from tests.lab.astdb import phones_on_disk

from .conftest import SECRETS
from .pbx_under_test import PbxUnderTest

EPHEMERAL_PORTS = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])


def processes_below(folder: Path) -> list[int]:
    """Pids of those whose command line names the folder, but for this one."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if os.fsencode(folder) in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found


async def until_gone(folder: Path, timeout_s: float = 20) -> None:
    await eventually(lambda: not processes_below(folder), timeout_s)


async def test_it_starts_fast_with_a_clean_log_and_leaves_nothing(
    asterisk: LocalAsterisk, tmp_path: Path
) -> None:
    began = time.monotonic()
    await asterisk.start()
    assert time.monotonic() - began < 10
    assert asterisk.public_network is not None
    assert asterisk.pbx.problems() == []
    assert asterisk.public_network.problems() == []
    assert asterisk.pbx.log_file.read_text()
    assert len(processes_below(tmp_path)) == 2

    await asterisk.stop()
    assert processes_below(tmp_path) == []
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
    assert list((tmp_path / "s/pbx/root").iterdir()) == []


async def test_only_loopback_is_listened_on(pbx: PbxUnderTest) -> None:
    """Two sockets are not counted: PJSIP asks DNS from UDP ports that the kernel chose."""
    pid = pbx.asterisk.pbx.pid
    assert pid is not None
    links = set()
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            links.add(str(file.readlink()))
    sockets = {link for link in links if link.startswith("socket:")}
    listening = []
    for table in ("udp", "udp6", "tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if f"socket:[{fields[9]}]" in sockets:
                address, port = fields[1].split(":")
                if table.startswith("tcp") or int(port, 16) < EPHEMERAL_PORTS:
                    listening.append((table, address))
    assert len(listening) >= 4
    assert {address for _, address in listening} == {"0100007F"}, listening


@pytest.mark.parametrize(
    ("field", "setting"),
    [
        ("sip", "BRIDGE_SIP_PORT"),
        ("http", "BRIDGE_ARI_PORT"),
        ("ami", "BRIDGE_AMI_PORT"),
    ],
)
async def test_a_taken_port_is_named_with_its_setting(
    asterisk: LocalAsterisk, tmp_path: Path, field: str, setting: str
) -> None:
    port = getattr(asterisk.ports, field)
    with socket.socket() as other:
        other.bind((asterisk.ports.bind_address, port))
        other.listen()
        with pytest.raises(PortTakenError, match=rf"{port}.*{setting}"):
            await asterisk.start()
    assert processes_below(tmp_path) == []
    await asterisk.start()
    await asterisk.stop()


def test_sip_on_every_address_leaves_none_to_the_public_network_and_ami_to_nobody() -> None:
    ports = AsteriskPorts(bind_address="0.0.0.0")
    with pytest.raises(PortTakenError, match="BRIDGE_PUBLIC_NETWORK_PORT"):
        ports.check_public_network()
    assert ports.management_address == "127.0.0.1"
    assert AsteriskPorts(bind_address="192.0.2.1").management_address == "127.0.0.1"
    assert AsteriskPorts(bind_address="127.0.0.9").management_address == "127.0.0.9"


@pytest.mark.parametrize("parent", ["/var/lib", "/usr/local"])
async def test_the_state_folder_may_be_where_the_private_root_has_folders_of_its_own(
    installation: Installation, parent: str
) -> None:
    with tempfile.TemporaryDirectory(dir=parent, prefix="uapi-bridge-test-") as folder:
        asterisk = LocalAsterisk(
            installation=installation,
            state_dir=Path(folder) / "s",
            ports=free_asterisk_ports(),
            secrets=SECRETS,
        )
        await asterisk.start()
        try:
            assert asterisk.pbx.problems() == []
            assert "0 active channels" in await asterisk.pbx.console("core show channels")
        finally:
            await asterisk.stop()


async def test_a_faulty_configuration_shows_the_last_log_lines(
    installation: Installation, tmp_path: Path
) -> None:
    broken = Installation(
        version=installation.version,
        binary=installation.binary,
        modules_dir=Path("/nowhere"),
        data_dir=installation.data_dir,
        root=installation.root,
    )
    asterisk = LocalAsterisk(
        installation=broken, state_dir=tmp_path / "s", ports=free_asterisk_ports(), secrets=SECRETS
    )
    with pytest.raises(AsteriskStartError, match="The last lines of"):
        await asterisk.start()
    assert processes_below(tmp_path) == []


async def test_phones_survive_a_crash_and_a_restart(pbx: PbxUnderTest) -> None:
    await pbx.phone("0003*210")
    await phones_on_disk(pbx.asterisk.pbx.folder, "0003*210")
    first = pbx.asterisk.pbx.pid
    await pbx.close()

    await pbx.asterisk.kill()
    await pbx.asterisk.start()
    assert pbx.asterisk.pbx.pid != first
    await pbx.open()
    assert await pbx.provisioned("endpoint", "0003*210")

    await pbx.close()
    await pbx.asterisk.stop()
    began = time.monotonic()
    await pbx.asterisk.start()
    assert time.monotonic() - began < 10
    assert pbx.asterisk.pbx.problems() == []
    await pbx.open()
    assert await pbx.provisioned("endpoint", "0003*210")


async def test_one_owner_per_state_folder(asterisk: LocalAsterisk, tmp_path: Path) -> None:
    await asterisk.start()
    try:
        second = LocalAsterisk(
            installation=asterisk.installation,
            state_dir=tmp_path / "s",
            ports=free_asterisk_ports(),
            secrets=SECRETS,
        )
        with pytest.raises(LocalAsteriskError, match="another uapi-bridge"):
            await second.start()
        assert len(processes_below(tmp_path)) == 2
    finally:
        await asterisk.stop()


async def test_two_instances_run_beside_each_other(
    installation: Installation, tmp_path: Path
) -> None:
    both = [
        LocalAsterisk(
            installation=installation,
            state_dir=tmp_path / name,
            ports=free_asterisk_ports(public_network_address=address),
            secrets=SECRETS,
        )
        for name, address in (("a", "127.0.0.2"), ("b", "127.0.0.3"))
    ]
    try:
        await asyncio.gather(*(one.start() for one in both))
        assert [one.pbx.problems() for one in both] == [[], []]
    finally:
        await asyncio.gather(*(one.stop() for one in both))


OWNER = """
import asyncio, sys
from pathlib import Path
from bridge.local_asterisk.installation import Installation
from bridge.local_asterisk.local_asterisk import AsteriskSecrets, LocalAsterisk
from bridge.local_asterisk.ports import AsteriskPorts
from bridge.testing.lab.asterisk_ports import free_asterisk_ports

async def main():
    asterisk = LocalAsterisk(
        installation=eval(sys.argv[2], {"Installation": Installation, "PosixPath": Path}),
        state_dir=Path(sys.argv[1]),
        ports=AsteriskPorts(**eval(sys.argv[3])),
        secrets=AsteriskSecrets("a", "b", "c"),
    )
    await asterisk.start()
    print("started", flush=True)
    await asyncio.sleep(60)  # until it is killed

asyncio.run(main())
"""


async def owner(asterisk: LocalAsterisk, state_dir: Path) -> asyncio.subprocess.Process:
    """Another process that owns the state folder, with its Asterisk started."""
    ports = {name: getattr(asterisk.ports, name) for name in AsteriskPorts.__slots__}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", OWNER, str(state_dir), repr(asterisk.installation), repr(ports)),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 30) == b"started\n"
    return process


async def test_a_killed_owner_leaves_no_asterisk_behind(
    asterisk: LocalAsterisk, tmp_path: Path
) -> None:
    process = await owner(asterisk, tmp_path / "s")
    assert len(processes_below(tmp_path / "s/pbx")) == 1
    process.kill()
    await process.wait()
    await until_gone(tmp_path)
    await asterisk.start()
    await asterisk.stop()


async def test_a_left_over_asterisk_is_stopped_by_the_next_start(
    asterisk: LocalAsterisk, tmp_path: Path
) -> None:
    """As if the kernel had not ended it: stopped, it cannot follow the signal at once."""
    process = await owner(asterisk, tmp_path / "s")
    left_over = processes_below(tmp_path / "s/pbx")
    for pid in left_over:
        os.kill(pid, signal.SIGSTOP)
    process.kill()
    await process.wait()
    assert processes_below(tmp_path / "s/pbx") == left_over
    starting = asyncio.create_task(asterisk.start())
    await asyncio.sleep(0.5)  # in which it would have started, had it not waited
    assert not starting.done()
    for pid in left_over:
        os.kill(pid, signal.SIGCONT)
    await starting
    assert asterisk.pbx.pid not in left_over
    await asterisk.stop()
    assert processes_below(tmp_path) == []


async def test_a_foreign_process_with_the_pid_of_the_pid_file_is_left_alone(
    asterisk: LocalAsterisk, tmp_path: Path
) -> None:
    stranger = await asyncio.create_subprocess_exec("sleep", "60")
    folder = tmp_path / "s/pbx"
    folder.mkdir(parents=True)
    (folder / "pid").write_text(f"{stranger.pid}\n")
    await asterisk.start()
    await asterisk.stop()
    assert stranger.returncode is None
    stranger.kill()
    await stranger.wait()


async def test_an_end_by_itself_is_noticed(asterisk: LocalAsterisk) -> None:
    await asterisk.start()
    try:
        watching = asyncio.create_task(asterisk.wait_until_ended())
        await asterisk.kill()
        assert await asyncio.wait_for(watching, 5) == "Asterisk"
    finally:
        await asterisk.stop()


async def test_its_console_can_be_reached_by_another_process(
    asterisk: LocalAsterisk, tmp_path: Path
) -> None:
    with pytest.raises(LocalAsteriskError, match="no Asterisk runs"):
        console_command(tmp_path / "s", "core show uptime")
    await asterisk.start()
    try:
        for public_network, known in ((False, "transfer-any"), (True, "into-pbx")):
            command = console_command(
                tmp_path / "s", f"dialplan show {known}", public_network=public_network
            )
            done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
            assert f"Context '{known}'" in done.stdout, done
    finally:
        await asterisk.stop()
    with pytest.raises(LocalAsteriskError, match="no Asterisk runs"):
        console_command(tmp_path / "s", "core show uptime")


async def test_sip_recorded(installation: Installation, tmp_path: Path) -> None:
    state = tmp_path / "b"
    asterisk = LocalAsterisk(
        installation=installation,
        state_dir=state / "asterisk",
        ports=free_asterisk_ports(),
        secrets=SECRETS,
    )
    environment = os.environ | {"BRIDGE_STATE_DIR": str(state)}
    code = "from bridge.cli import main; main()"

    async def console(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", code, "console", *arguments]
        return await asyncio.to_thread(
            subprocess.run, command, env=environment, capture_output=True, text=True
        )

    await asterisk.start()
    try:
        file = state / "asterisk/pbx/sip.pcap"  # docs/operating.md
        assert (await console(f"pjsip set logger pcap {file}")).returncode == 0
        assert "Logging enabled" in (await console("pjsip set logger on")).stdout
        assert "System uptime" in (await console("core", "show", "uptime")).stdout
        assert file.exists()
        public = await console("--public-network", "dialplan show into-pbx")
        assert "Context 'into-pbx'" in public.stdout
    finally:
        await asterisk.stop()
    ended = await console("core show uptime")
    assert (ended.returncode, "no Asterisk runs" in ended.stderr) == (1, True)
