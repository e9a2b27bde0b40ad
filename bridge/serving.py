"""`uapi-bridge serve`: Asterisk if it is ours to run, the service, the signals, the greeting."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Literal

import structlog

from bridge.local_asterisk.choice import AsteriskSource
from bridge.local_asterisk.opening import RunnableAsterisk, open_asterisk
from bridge.local_asterisk.ports import AsteriskPorts
from bridge.pbx_access import asterisk_secrets
from bridge.settings import Settings
from bridge.sighup import HangUpSignal
from bridge.state_folder import open_secrets, state_folder_locked

if TYPE_CHECKING:
    from bridge.app import Service

log = structlog.get_logger()


class ServeError(Exception):
    """The service cannot run; `str()` says why and what to do."""


async def serve(settings: Settings) -> None:
    """Run until SIGINT or SIGTERM.

    Raises ServeError, StateFolderInUse, LocalAsteriskError, DirectoryError, SecretsFileError.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        hang_ups = HangUpSignal(stack.enter_context(contextlib.ExitStack()), stop)
        try:
            stack.enter_context(state_folder_locked(settings))
        except OSError as why:
            raise ServeError(
                f"the state folder {settings.state_dir} cannot be used: {why}"
            ) from None
        asterisk = await open_local_asterisk(settings)
        loading = asyncio.create_task(asyncio.to_thread(_load_service))
        if asterisk is not None:
            stack.push_async_callback(asterisk.stop)
            if not await _done_before(stop, asterisk.start()):
                return
            settings = _with_media_address(settings, asterisk)
        service_class = await loading
        service = await _start(stack, service_class(settings))
        for work in (hang_ups.reload_when_asked(service), _greet(service)):
            stack.callback(asyncio.create_task(work).cancel)
        await _until_stopped(stop, asterisk)


async def _start(stack: contextlib.AsyncExitStack, service: Service) -> Service:
    """Raises ServeError for all that is no fault of the program."""
    from bridge.http.server import CannotListen
    from bridge.storage.faults import DatabaseTooNew, StorageUnavailable

    try:
        return await stack.enter_async_context(service)
    except CannotListen as why:
        raise ServeError(str(why)) from None
    except (StorageUnavailable, DatabaseTooNew) as why:
        raise ServeError(f"the database cannot be used: {why}") from None
    except OSError as why:
        raise ServeError(f"cannot start: {why}") from None


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
    name = await asterisk.wait_until_ended()
    raise ServeError(f"{name} ended by itself; {asterisk.where_logs_are}")


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
    from bridge.greeting import greeting

    print(greeting(service), flush=True)  # noqa: T201 - the person who started it
