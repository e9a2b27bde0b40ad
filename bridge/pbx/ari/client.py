"""The requests to Asterisk's HTTP interface: phones, their states, stored recordings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from bridge.pbx.ari.errors import AriError, AriNotFound, AriNotHeld
from bridge.pbx.ari.requests import AriRequests
from bridge.pbx.pbx_settings import AriSettings
from bridge.supervision.fair_share import in_turns


@dataclass(frozen=True, slots=True)
class AriEndpoint:
    """`resource` is `0003*210`, `technology` `PJSIP`; `online` None where the PBX cannot tell."""

    technology: str
    resource: str
    online: bool | None

    @property
    def name(self) -> str:
        return f"{self.technology}/{self.resource}"


class AriClient(AriRequests):
    """Use as `async with AriClient(settings) as ari`. Every method raises AriError.

    `may_act`: whether this instance may change phones and dialplan of this PBX at this moment;
    None: always.
    """

    def __init__(self, settings: AriSettings, may_act: Callable[[], bool] | None = None) -> None:
        super().__init__(settings)
        self._may_act = may_act

    async def version(self) -> str:
        """The PBX's version; the cheapest way to see that it answers."""
        info = await self.json("GET", "asterisk", "info")
        with _as_documented("asterisk/info"):
            return str(info["system"]["version"])

    async def running_modules(self) -> set[str]:
        """The names of the running modules, without `.so`. Raises AriError."""
        listed = await self.json("GET", "asterisk", "modules")
        with _as_documented("asterisk/modules"):
            running = [one["name"] for one in listed if one.get("status") == "Running"]
            return {name.removesuffix(".so") for name in running}

    # ---- phones -----------------------------------------------------------------

    async def endpoints(self, technology: str = "PJSIP") -> list[AriEndpoint]:
        """All endpoints of that technology, with their states. Raises AriError."""
        try:
            listed = await self.json("GET", "endpoints", technology)
        except AriNotFound:
            return []  # "No Endpoints found": there is none of that technology yet
        with _as_documented("endpoints"):
            return await in_turns(listed, _endpoint)

    async def endpoint(self, name: str, technology: str = "PJSIP") -> AriEndpoint | None:
        """The endpoint of that name; None if there is none. Raises AriError."""
        try:
            one = await self.json("GET", "endpoints", technology, name)
        except AriNotFound:
            return None
        with _as_documented("endpoints"):
            return _endpoint(one)

    async def endpoint_states(self) -> Mapping[str, bool]:
        """AmiLink asks for this at every link up. An endpoint of unknown state counts as
        reachable."""
        return {one.name: one.online is not False for one in await self.endpoints()}

    async def dynamic_object(self, kind: str, name: str) -> dict[str, str] | None:
        """The fields of a res_pjsip object (`auth`, `aor`, `endpoint`); None if there is none.

        An aor may have several contacts: commas are between them, and they are in no order.
        """
        try:
            fields = await self.json("GET", *_dynamic(kind, name))
        except AriNotFound:
            return None
        with _as_documented("asterisk/config/dynamic"):
            found: dict[str, str] = {}
            for one in fields:
                key, value = one["attribute"], one["value"]
                several = key == "contact" and key in found
                found[key] = f"{found[key]},{value}" if several else value
            return found

    async def put_dynamic_object(self, kind: str, name: str, fields: Mapping[str, str]) -> None:
        """Make the object, or change these fields of it. Raises AriNotHeld, too."""
        self._require_right_to_act()
        pairs = [{"attribute": key, "value": value} for key, value in fields.items()]
        await self.json("PUT", *_dynamic(kind, name), body={"fields": pairs})

    async def delete_dynamic_object(self, kind: str, name: str) -> bool:
        """Delete a res_pjsip object (`auth`, `aor`, `endpoint`, `contact`).

        False if there was none. Raises AriError, AriNotHeld.
        """
        self._require_right_to_act()
        return await self._delete(*_dynamic(kind, name))

    # ---- dialplan -----

    async def global_variable(self, name: str) -> str:
        """The value of a global variable of the dialplan; empty if there is none.

        Raises AriError.
        """
        try:
            answer = await self.json("GET", "asterisk", "variable", query={"variable": name})
        except AriNotFound:
            return ""
        with _as_documented("asterisk/variable"):
            return str(answer["value"])

    async def set_global_variable(self, name: str, value: str) -> None:
        """Set a global variable of the dialplan. Raises AriError, AriNotHeld."""
        self._require_right_to_act()
        body = {"variable": name, "value": value}
        await self.json("POST", "asterisk", "variable", body=body)

    # ---- recordings -------------------------------------------------------------

    def stored_recording_file(self, name: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The audio in chunks, as `AriRequests.file` has them."""
        return self.file("recordings", "stored", name, "file")

    async def delete_stored_recording(self, name: str) -> bool:
        """Delete the file of that recording. False if there was none. Raises AriError."""
        return await self._delete("recordings", "stored", name)

    def _require_right_to_act(self) -> None:
        if self._may_act is not None and not self._may_act():
            raise AriNotHeld

    async def _delete(self, *path: str) -> bool:
        try:
            await self.json("DELETE", *path)
        except AriNotFound:
            return False
        return True


@contextmanager
def _as_documented(path: str) -> Iterator[None]:
    """JSON of another form than ARI's is an answer of something else, say a proxy's: a failure."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise AriError(f"{path}: the answer is not one of ARI") from error


def _endpoint(one: Any) -> AriEndpoint:
    known = {"online": True, "offline": False}
    return AriEndpoint(one["technology"], one["resource"], known.get(one["state"]))


def _dynamic(kind: str, name: str) -> tuple[str, ...]:
    return ("asterisk", "config", "dynamic", "res_pjsip", kind, name)
