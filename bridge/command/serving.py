"""`uapi-bridge serve`: Asterisk if it is ours to run, the service, the signals, the greeting."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Literal, TypeVar

import structlog

from bridge.command.build_steps import BuildSteps
from bridge.command.reload_signal import ReloadSignal
from bridge.config.file_descriptors import raise_descriptor_limit
from bridge.config.secrets_file import SecretSource, ThrowawaySecrets
from bridge.config.settings import Settings
from bridge.config.state_folder import open_secrets, state_folder_locked
from bridge.local_asterisk.choice import AsteriskSource
from bridge.local_asterisk.open_asterisk import RunnableAsterisk, open_asterisk
from bridge.local_asterisk.ports import AsteriskPorts
from bridge.supervision.tasks import awaited, in_background, log_lost_fault, must_live, supervisor
from bridge.wiring.descriptor_budget import connection_limits, missing_descriptors
from bridge.wiring.pbx import asterisk_secrets

if TYPE_CHECKING:
    from bridge.wiring.service import Service

log = structlog.get_logger()


_Result = TypeVar("_Result")

# So many objects more than at the last search for garbage begin the next; Python's own is 700. The
# events of a call make hundreds of objects, and nearly none of them is in a cycle. The searches
# took 4 to 5 % of the CPU of a call. A larger number saves no more, but each search is a pause:
# after 50,000 objects one of 100 ms and more on a busy machine, which readers of streams notice.
_SEARCH_AFTER = (10_000, 10, 1_000)


class ServeError(Exception):
    """The service cannot run; `str()` says why and what to do."""


class _StoppedEarly(Exception):
    """Somebody has told us to end before there was a service."""


async def serve(settings: Settings) -> None:
    """Run until SIGINT or SIGTERM.

    Raises ServeError, StateFolderInUse, LocalAsteriskError, DirectoryError, SecretsFileError.
    """
    with contextlib.suppress(_StoppedEarly):
        await _serve(settings)


async def _serve(settings: Settings) -> None:
    _provide_descriptors(settings)
    stop, hurry = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(log_lost_fault)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, lambda: (hurry if stop.is_set() else stop).set())
    async with contextlib.AsyncExitStack() as stack:
        reload_signal = ReloadSignal(stack.enter_context(contextlib.ExitStack()), stop)
        try:
            stack.enter_context(state_folder_locked(settings))
        except OSError as why:
            raise ServeError(
                f"the state folder {settings.state_dir} cannot be used: {why}"
            ) from None
        stopping = awaited(stop.wait(), "wait_for_stop")
        stack.callback(stopping.cancel)
        asterisk = await _before(stopping, open_local_asterisk(settings))
        loading = awaited(asyncio.to_thread(_load_service), "load_service")
        if asterisk is not None:
            stack.push_async_callback(asterisk.stop)
            await _before(stopping, asterisk.start())
            settings = _of_local_asterisk(settings, asterisk)
        service_class = await loading
        service = service_class(settings)
        ending = awaited(_until_stopped(stop, asterisk), "wait_for_end")
        stack.callback(ending.cancel)
        await _before(ending, _start(stack, service))
        reloading = must_live(reload_signal.reload_when_asked(service), "reload_signal")
        stack.push_async_callback(reloading.stop)
        stack.callback(in_background(_greet(service), "greeting").cancel)
        await ending
        await service.give_notice(hurry)


def _provide_descriptors(settings: Settings) -> None:
    """Raise their limit before anything is opened, and say if it is still too low."""
    descriptors = raise_descriptor_limit()
    if missing := missing_descriptors(settings, descriptors):
        log.warning(
            "file_descriptors_too_few",
            limit=descriptors,
            needed=descriptors + missing,
            http_connections_max=connection_limits(settings, descriptors).total,
            help="raise it: LimitNOFILE with systemd, `ulimits` with compose, `ulimit -n`",
        )


async def _start(stack: contextlib.AsyncExitStack, service: Service) -> None:
    """Raises ServeError for every failure that is not a fault of the program."""
    from bridge.faults import DatabaseTooNew, StorageUnusable
    from bridge.http.server import CannotListen
    from bridge.wiring.traces import PackagesMissing

    try:
        await stack.enter_async_context(service)
    except CannotListen as why:
        raise ServeError(str(why)) from None
    except PackagesMissing as why:
        raise ServeError(str(why)) from None
    except (StorageUnusable, DatabaseTooNew) as why:
        raise ServeError(f"the database cannot be used: {why}") from None
    except OSError as why:
        raise ServeError(f"cannot start: {why}") from None


def _load_service() -> type[Service]:
    """The modules of the service take as long as an Asterisk: both start at the same time.

    The modules stay loaded, so `gc.freeze` keeps them out of later collections. A collection
    through all of them would stop the calls: for 67 to 126 ms on two busy cores
    (`python -m tests.bench.pieces`). Until here there was none (see bridge/cli.py).
    """
    from bridge.wiring.service import Service

    gc.freeze()
    gc.set_threshold(*_SEARCH_AFTER)
    gc.enable()
    return Service


def _of_local_asterisk(settings: Settings, asterisk: RunnableAsterisk) -> Settings:
    """The settings with the values that only this Asterisk knows, unless they are given."""
    return settings.model_copy(
        update={
            "phone_media_address": settings.phone_media_address or asterisk.media_address,
            "queues_file": settings.queues_file or asterisk.queues_file,
        }
    )


async def open_local_asterisk(settings: Settings) -> RunnableAsterisk | None:
    """The Asterisk to start for these settings; None if the settings name a PBX."""
    secrets = await _secrets_of_asterisk(settings)
    with BuildSteps() as step:
        return await open_asterisk(
            pbx_is_named=bool(settings.pbx_host),
            state_dir=settings.state_dir / "asterisk",
            ports=asterisk_ports(settings),
            secrets=asterisk_secrets(settings, secrets),
            wanted=None if settings.asterisk == "auto" else AsteriskSource(settings.asterisk),
            package=settings.asterisk_package,
            stale_mirror=settings.stale_mirror,
            report=lambda text: print(text, file=sys.stderr),  # noqa: T201 - the person who waits
            step=step,
        )


async def _secrets_of_asterisk(settings: Settings) -> SecretSource:
    """Raises ServeError, SecretsFileError."""
    if not settings.instance_name:
        return open_secrets(settings)
    if settings.pbx_host:
        return ThrowawaySecrets()  # no Asterisk of ours gets them
    from bridge.faults import DatabaseTooNew, StorageUnavailable, StorageUnusable
    from bridge.wiring.shared_secrets import migrated_shared_secrets

    try:
        return await migrated_shared_secrets(settings)
    except (StorageUnavailable, StorageUnusable, DatabaseTooNew) as why:
        raise ServeError(f"the database cannot be used: {why}") from None


def asterisk_ports(settings: Settings) -> AsteriskPorts:
    """The ports and addresses of the Asterisk that `serve` starts."""
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
        stun_server=settings.stun_server,
    )


async def _until_stopped(stop: asyncio.Event, asterisk: RunnableAsterisk | None) -> None:
    """Return when asked to stop.

    Raises ServeError when our Asterisk ends by itself, or a task that the service needs.
    """
    waits = [
        awaited(stop.wait(), "wait_for_stop"),
        awaited(_raise_when_a_task_died(), "wait_for_death"),
    ]
    if asterisk is not None:
        waits.append(awaited(_raise_when_ended(asterisk), "wait_for_asterisk"))
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


async def _raise_when_a_task_died() -> Literal[True]:
    why = await supervisor().until_a_task_died()
    raise ServeError(f"a part of the service has ended by itself: {why}; its log says more")


async def _before(
    ending: asyncio.Task[object], work: Coroutine[object, object, _Result]
) -> _Result:
    """Do `work`. Raises what either does, and _StoppedEarly if `ending` came first."""
    doing = awaited(work, "start")
    try:
        await asyncio.wait({doing, ending}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        if not doing.done():
            doing.cancel()
            await asyncio.wait({doing})
    if doing.cancelled():
        await ending
        raise _StoppedEarly
    return doing.result()


async def _greet(service: Service) -> None:
    """Whenever it gets ready: a PBX may be started long after the service."""
    try:
        await service.wait_until_ready(service.settings.boot_timeout_s)
    except TimeoutError as why:
        log.error("not_ready_yet", why=str(why))
        await service.node.phones.ready.wait()
    from bridge.command.greeting import greeting

    print(greeting(service), flush=True)  # noqa: T201 - the person who started it
