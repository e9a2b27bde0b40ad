"""The examples of docs/operating.md, run as they stand there."""

from __future__ import annotations

import asyncio
import re
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from bridge.testing.eventually import eventually
from bridge.testing.lab.asterisk_ports import free_asterisk_ports
from bridge.testing.lab.bridge_process import BridgeProcess
from bridge.testing.lab.certificates import make_ca, sign
from bridge.testing.lab.free_port import free_http_port
from bridge.testing.lab.installation import test_installation
from bridge.testing.softphones.toolchain import ensure_programs

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "operating.md").read_text()

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BridgeProcess]:
    """With an Asterisk of its own, and `state` in its folder, as `make serve` has it."""
    ports = free_asterisk_ports()
    installation = await test_installation()
    service = BridgeProcess(
        tmp_path_factory.mktemp("run") / "state",
        ports,
        free_http_port(),
        {
            "pbx_host": "",
            "asterisk": "path" if installation.root is None else "root",
            "phone_media_address": "",
            "public_network_port": str(ports.public_network_sip),
        },
    )
    await service.start()
    yield service
    await service.stop()


def pasted(commands: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = f"{sys.executable} -c 'from bridge.cli import main; main()'"
    return subprocess.run(
        ["bash", "-ec", commands.replace(".venv/bin/uapi-bridge", command)],
        cwd=folder,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_given_the_documented_commands_when_a_call_is_placed_then_its_sip_is_in_the_file(
    service: BridgeProcess,
) -> None:
    [commands] = re.findall(r"```sh\n(.*?sip\.pcap.*?)```", PAGE, re.DOTALL)
    folder = service.state_dir.parent
    done = pasted(commands, folder)
    assert done.returncode == 0, done.stderr
    assert "running directory" not in done.stderr + done.stdout
    async with service.client() as api:
        await api.place("5354353", "3235742879", extension="210")
        file = folder / "state" / "asterisk" / "pbx" / "sip.pcap"
        await eventually(lambda: file.exists() and b"INVITE" in file.read_bytes(), 10)


async def test_given_a_command_that_asterisk_does_not_know_when_run_then_it_is_a_failure(
    service: BridgeProcess,
) -> None:
    folder = service.state_dir.parent
    known = pasted('.venv/bin/uapi-bridge console "core show version"', folder)
    assert (known.returncode, known.stderr) == (0, "")
    assert "Asterisk " in known.stdout
    unknown = pasted('.venv/bin/uapi-bridge console "core frobnicate"', folder)
    assert unknown.returncode == 1
    assert "No such command" in unknown.stdout


async def test_given_the_documented_nginx_when_called_through_it_then_the_api_and_ws_answer(
    service: BridgeProcess, tmp_path: Path
) -> None:
    await asyncio.to_thread(ensure_programs, {"nginx": "nginx-light"})
    [server] = re.findall(r"```nginx\n(.*?)```", PAGE, re.DOTALL)
    ca = make_ca(tmp_path)
    certificate, key = sign(ca, "DNS:calls.example.com,IP:127.0.0.1")
    port = free_http_port()
    for documented, ours in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/ssl/calls.pem", str(certificate)),
        ("/etc/ssl/calls.key", str(key)),
        ("http://127.0.0.1:8080", service.base_url),
    ):
        assert documented in server
        server = server.replace(documented, ours)
    temporary = "".join(
        f"{x}_temp_path {tmp_path / x};"
        for x in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    file = tmp_path / "nginx.conf"
    file.write_text(
        f"daemon off; master_process off; pid {tmp_path}/pid; error_log {tmp_path}/error.log;"
        f"events {{}} http {{ access_log off; {temporary} {server} }}"
    )
    nginx = await asyncio.create_subprocess_exec("nginx", "-p", str(tmp_path), "-c", str(file))
    try:
        trust = ssl.create_default_context(cafile=ca)
        base = f"https://127.0.0.1:{port}"
        async with aiohttp.ClientSession() as session:

            async def serves() -> bool:
                try:
                    async with session.get(f"{base}/health/ready", ssl=trust) as answer:
                        assert answer.status == 200
                except aiohttp.ClientConnectorError:
                    assert nginx.returncode is None, (tmp_path / "error.log").read_text()
                    return False
                return True

            await eventually(serves, timeout=10)
            websocket = f"wss://127.0.0.1:{port}/ws"
            async with session.ws_connect(websocket, protocols=("sip",), ssl=trust) as phone:
                assert phone.protocol == "sip"
    finally:
        nginx.terminate()
        await nginx.wait()
