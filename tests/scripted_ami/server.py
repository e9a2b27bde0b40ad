"""An AMI server that speaks just enough, records all it is told, and fails on demand.

    async with ScriptedAmi() as ami:
        ami.channels.append(channel("PJSIP/0003*210-00000001", "0123456789abcdef0123"))
        ami.on["Originate"] = DropConnection()
        ...
        assert len(ami.actions("Originate")) == 1

It looks its answer up in `on` when the action arrives, so that a test can change it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType

Headers = list[tuple[str, str]]


@dataclass(frozen=True)
class ReceivedAction:
    """One action as it was on the wire; `raw` without the empty line that ends it."""

    raw: bytes
    headers: tuple[tuple[str, str], ...]
    connection: int

    @property
    def name(self) -> str:
        return self.value("Action")

    def value(self, header: str) -> str:
        return next((value for name, value in self.headers if name == header), "")

    def values(self, header: str) -> list[str]:
        return [value for name, value in self.headers if name == header]


class Session:
    """One connection of a client, for behaviours to answer on."""

    def __init__(self, number: int, server: ScriptedAmi, writer: asyncio.StreamWriter) -> None:
        self.number = number
        self.server = server
        self.writer = writer
        self.logged_in = False

    async def send(self, data: bytes) -> None:
        """Raw bytes, cut as `split_at` says, unless the server is mute."""
        if self.server.mute or self.writer.is_closing():
            return
        cut = self.server.split_at
        for part in (data[:cut], data[cut:]) if cut else (data,):
            if part:
                self.writer.write(part)
                await self.writer.drain()
                if cut:
                    await asyncio.sleep(0.01)  # the first part is read by itself

    async def answer(
        self, action: ReceivedAction, response: str, *headers: tuple[str, str]
    ) -> None:
        first = [("Response", response)]
        if action.value("ActionID"):
            first.append(("ActionID", action.value("ActionID")))
        await self.send(message([*first, *headers]))

    def drop(self) -> None:
        self.writer.transport.abort()


Behaviour = Callable[[Session, ReceivedAction], Awaitable[None]]


async def silence(session: Session, action: ReceivedAction) -> None:
    """The action is taken, its answer never comes."""


async def drop_connection(session: Session, action: ReceivedAction) -> None:
    """The action is taken, the connection dies before its answer."""
    session.drop()


async def success(session: Session, action: ReceivedAction) -> None:
    await session.answer(action, "Success", ("Message", "Done"))


async def pong(session: Session, action: ReceivedAction) -> None:
    clock = time.time() + session.server.clock_offset_s
    await session.answer(action, "Success", ("Ping", "Pong"), ("Timestamp", f"{clock:.6f}"))


async def originate_queued(session: Session, action: ReceivedAction) -> None:
    await session.answer(action, "Success", ("Message", "Originate successfully queued"))


async def log_in(session: Session, action: ReceivedAction) -> None:
    server = session.server
    if action.value("Secret") != server.secret:
        await session.answer(action, "Error", ("Message", "Authentication failed"))
        session.drop()
        return
    session.logged_in = True
    await session.answer(action, "Success", ("Message", "Authentication accepted"))
    if server.booted:
        await session.send(FULLY_BOOTED)


async def log_off(session: Session, action: ReceivedAction) -> None:
    await session.answer(action, "Goodbye", ("Message", "Thanks for all the fish."))
    session.writer.close()


async def hang_up(session: Session, action: ReceivedAction) -> None:
    wanted = action.value("Channel")
    living = {value for item in session.server.channels for _, value in item}
    if wanted in living:
        await session.answer(action, "Success", ("Message", "Channel Hungup"))
    else:
        await session.answer(action, "Error", ("Message", "No such channel"))


async def show_channels(session: Session, action: ReceivedAction) -> None:
    """The list; `during_list` goes between its items, as events of living calls do."""
    server = session.server
    action_id = ("ActionID", action.value("ActionID"))
    await session.answer(
        action, "Success", ("EventList", "start"), ("Message", "Channels will follow")
    )
    for data in server.during_list:
        await session.send(data)
    for item in server.channels:
        await session.send(message([("Event", "CoreShowChannel"), action_id, *item]))
    complete = [
        ("Event", "CoreShowChannelsComplete"),
        action_id,
        ("EventList", "Complete"),
        ("ListItems", str(len(server.channels))),
    ]
    await session.send(message(complete))


def refuse(text: str) -> Behaviour:
    """Answer with `Response: Error`."""

    async def behaviour(session: Session, action: ReceivedAction) -> None:
        await session.answer(action, "Error", ("Message", text))

    return behaviour


def after(seconds: float, behaviour: Behaviour) -> Behaviour:
    """The same, later."""

    async def late(session: Session, action: ReceivedAction) -> None:
        await asyncio.sleep(seconds)  # a PBX that is late
        await behaviour(session, action)

    return late


def message(headers: Iterable[tuple[str, str]]) -> bytes:
    lines = [f"{name}: {value}\r\n" for name, value in headers]
    return ("".join(lines) + "\r\n").encode()


def event(name: str, **headers: str | int) -> bytes:
    """`event("Hangup", Uniqueid="…", Cause=16)`; underscores in names stand for `-`."""
    fields = [(key.replace("_", "-"), str(value)) for key, value in headers.items()]
    return message([("Event", name), *fields])


def channel(name: str, uniqueid: str, state: int = 6, **others: str) -> Headers:
    """An item for `ScriptedAmi.channels`."""
    fields = {
        "Channel": name,
        "ChannelState": str(state),
        "CallerIDNum": "<unknown>",
        "CallerIDName": "<unknown>",
        "Uniqueid": uniqueid,
        "Linkedid": uniqueid,
        "BridgeId": "",
    }
    return list((fields | others).items())


FULLY_BOOTED = event("FullyBooted", Privilege="system,all", Status="Fully Booted")


@dataclass
class ScriptedAmi:
    """The server. `port` is known once it runs; `stop` and `start` again keep it."""

    secret: str = "s3cret"
    booted: bool = True
    mute: bool = False
    """Half-open: reads everything, says nothing, keeps the connection."""
    split_at: int = 0
    """Cut everything it sends after so many bytes into two TCP segments; 0: do not."""
    clock_offset_s: float = 0.0
    channels: list[Headers] = field(default_factory=list)
    during_list: list[bytes] = field(default_factory=list)
    on: dict[str, Behaviour] = field(default_factory=dict)
    port: int = 0
    received: list[ReceivedAction] = field(default_factory=list)
    connected_at: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        defaults: dict[str, Behaviour] = {
            "Login": log_in,
            "Logoff": log_off,
            "Ping": pong,
            "CoreShowChannels": show_channels,
            "Originate": originate_queued,
            "Hangup": hang_up,
        }
        self.on = defaults | self.on
        self._server: asyncio.Server | None = None
        self._sessions: list[Session] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._news = asyncio.Condition()

    async def __aenter__(self) -> ScriptedAmi:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self.drop_all()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def drop_all(self) -> None:
        for session in self._sessions:
            session.drop()

    @property
    def logged_in(self) -> list[Session]:
        return [one for one in self._sessions if one.logged_in and not one.writer.is_closing()]

    async def send(self, *data: bytes) -> None:
        """The same raw bytes to everyone who is logged in, as one write."""
        for session in self.logged_in:
            await session.send(b"".join(data))

    async def finish_booting(self) -> None:
        self.booted = True
        await self.send(FULLY_BOOTED)

    def actions(self, name: str) -> list[ReceivedAction]:
        return [action for action in self.received if action.name == name]

    async def wait_for_action(self, name: str, count: int = 1, timeout: float = 30) -> None:
        """Until `count` actions of that name have arrived since the start."""
        async with asyncio.timeout(timeout), self._news:
            await self._news.wait_for(lambda: len(self.actions(name)) >= count)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        session = Session(len(self.connected_at), self, writer)
        self._sessions.append(session)
        self.connected_at.append(time.monotonic())
        try:
            await session.send(b"Asterisk Call Manager/9.0.0\r\n")
            while True:
                raw = (await reader.readuntil(b"\r\n\r\n"))[:-4]
                await self._take(session, raw)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            session.logged_in = False
            writer.close()

    async def _take(self, session: Session, raw: bytes) -> None:
        action = parse_action(raw, session.number)
        async with self._news:
            self.received.append(action)
            self._news.notify_all()
        behaviour = self.on.get(action.name, refuse("Invalid/unknown command"))
        if not self.mute:
            await behaviour(session, action)


def parse_action(raw: bytes, connection: int = 0) -> ReceivedAction:
    """As strict as a reader can be: Asterisk takes a lone LF as a line end, so do we."""
    headers = []
    for line in raw.decode().replace("\r\n", "\n").split("\n"):
        name, _, value = line.partition(": ")
        headers.append((name.strip("\r"), value))
    return ReceivedAction(raw, tuple(headers), connection)
