"""`uapi-bridge serve`: Asterisk if it is ours to run, the service, the signals, the greeting."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import shlex
import signal
import sys
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Literal

import structlog

from bridge.directory.problems import DirectoryError
from bridge.local_asterisk.choice import AsteriskSource
from bridge.local_asterisk.opening import RunnableAsterisk, open_asterisk
from bridge.local_asterisk.ports import AsteriskPorts
from bridge.pbx_access import asterisk_secrets, pbx_host
from bridge.secrets_file import SecretsFileError, app_secret_name
from bridge.settings import Settings
from bridge.state_folder import SECRETS_FILE, open_secrets

if TYPE_CHECKING:
    from bridge.app import Service

log = structlog.get_logger()


class ServeError(Exception):
    """The service cannot run; `str()` says why and what to do."""


async def serve(settings: Settings) -> None:
    """Run until SIGINT or SIGTERM. Raises ServeError, LocalAsteriskError, DirectoryError."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        asterisk = await open_local_asterisk(settings)
        loading = asyncio.create_task(asyncio.to_thread(_load_service))
        if asterisk is not None:
            stack.push_async_callback(asterisk.stop)
            if not await _done_before(stop, asterisk.start()):
                return
            settings = _with_media_address(settings, asterisk)
        service_class = await loading
        try:
            service = await stack.enter_async_context(service_class(settings))
        except OSError as why:
            raise ServeError(
                f"cannot listen on {settings.http_host}:{settings.http_port} "
                f"({why.strerror}); choose another port with BRIDGE_HTTP_PORT"
            ) from None
        loop.add_signal_handler(signal.SIGHUP, lambda: _reload(service, stop))
        ready = asyncio.create_task(_greet(service))
        stack.callback(ready.cancel)
        await _until_stopped(stop, asterisk)


def _load_service() -> type[Service]:
    """The modules of the service take as long as an Asterisk: both start at the same time.

    They stay for good, so they are kept out of every later search for garbage, which through all of
    them would stop the calls for 60 ms. Until here there was none (see bridge/cli.py).
    """
    from bridge.app import Service

    gc.freeze()
    gc.enable()
    return Service


def _with_media_address(settings: Settings, asterisk: RunnableAsterisk) -> Settings:
    address = settings.phone_media_address or asterisk.media_address
    return settings.model_copy(update={"phone_media_address": address})


async def open_local_asterisk(settings: Settings) -> RunnableAsterisk | None:
    """The Asterisk to start for these settings; None where they name a PBX."""
    return await open_asterisk(
        pbx_is_named=bool(settings.pbx_host),
        state_dir=settings.state_dir / "asterisk",
        ports=asterisk_ports(settings),
        secrets=asterisk_secrets(settings, open_secrets(settings)),
        wanted=None if settings.asterisk == "auto" else AsteriskSource(settings.asterisk),
        report=lambda text: print(text, file=sys.stderr),  # noqa: T201 - the person who waits
    )


def asterisk_ports(settings: Settings) -> AsteriskPorts:
    return AsteriskPorts(
        bind_address=settings.bind_address,
        sip=settings.sip_port,
        http=settings.ari_port,
        ami=settings.ami_port,
        rtp_start=settings.rtp_port_min,
        rtp_end=settings.rtp_port_max,
        public_network_address=settings.public_network_address,
        public_network_sip=settings.public_network_port,
        external_address=settings.external_address,
    )


async def _until_stopped(stop: asyncio.Event, asterisk: RunnableAsterisk | None) -> None:
    """Return when asked to stop. Raises ServeError when our Asterisk ends by itself."""
    waits = [asyncio.create_task(stop.wait())]
    if asterisk is not None:
        waits.append(asyncio.create_task(_raise_when_ended(asterisk)))
    try:
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in waits:
            task.cancel()


async def _raise_when_ended(asterisk: RunnableAsterisk) -> Literal[True]:
    raise ServeError(f"{await asterisk.wait_until_ended()} ended by itself; see its log")


async def _done_before(stop: asyncio.Event, work: Coroutine[object, object, None]) -> bool:
    """Do `work`; False if it was given up because `stop` came first."""
    doing = asyncio.create_task(work)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({doing, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not doing.done():
        doing.cancel()
        await asyncio.wait({doing})
    if doing.cancelled():
        return False
    doing.result()
    return True


async def _greet(service: Service) -> None:
    try:
        await service.wait_until_ready(service.settings.boot_timeout_s)
    except TimeoutError as why:
        log.error("not ready yet", why=str(why))
        return
    print(greeting(service), flush=True)  # noqa: T201 - the person who started it


def greeting(service: Service) -> str:
    """What a person needs to make a first call: addresses, where secrets are, two commands."""
    settings = service.settings
    base = f"http://{settings.http_host}:{settings.http_port}"
    secrets = (settings.state_dir / SECRETS_FILE).resolve()
    app = next(iter(service.directory.directory.apps.values()))
    phone = next(iter(service.directory.directory.provisioned_phones()), None)
    read = "import json,sys;print(json.load(open(sys.argv[1]))[sys.argv[2]])"
    secret = shlex.join(["python3", "-c", read, str(secrets), app_secret_name(app.client_id)])
    lines = [
        "",
        f"uapi-bridge is ready:  {base}/uapi/",
        f"  secrets (generated)  {secrets}",
        f"  SIP server           {pbx_host(settings)}:{settings.sip_port} (UDP, TCP)",
    ]
    if phone is not None:
        lines.append(f'  SIP user             {phone.number}, password under "sip/{phone.number}"')
    call = (
        '{"extension":"210","phoneCallView":[{"source":["5354353"],"destination":["3235742879"],'
        '"callerId":"John Doe <4242425>"}]}'
    )
    lines += [
        "",
        "A first call, between two numbers of the simulated public network:",
        "",
        f"  TOKEN=$(curl -s {base}/oauth/token.php -d grant_type=client_credentials \\",
        f'    -d client_id={app.client_id} --data-urlencode client_secret="$({secret})" \\',
        "    | python3 -c 'import json,sys;print(json.load(sys.stdin)[\"access_token\"])')",
        f'  curl -s -H "Authorization: Bearer $TOKEN" {base}/uapi/phoneCalls/@me/simple \\',
        f"    -d '{call}'",
        "",
        "Ctrl-C ends it.",
    ]
    return "\n".join(lines)


def _reload(service: Service, stop: asyncio.Event) -> None:
    async def reload() -> None:
        try:
            await service.reload()
        except (DirectoryError, SecretsFileError) as why:
            log.error("directory not reloaded; the old one stays in force", why=str(why))

    if not stop.is_set():
        task = asyncio.create_task(reload())
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
