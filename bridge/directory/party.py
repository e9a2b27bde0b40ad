"""One end of a call as a request names it, resolved."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.directory.model import Extension


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who can be called.

    `spelled`: as the request wrote it, without separators, which answers repeat. `number`: extended
    for extensions and services (`0003*210`), digits with an optional leading `+` for public
    numbers. `endpoint` is empty unless this is a phone. `is_service`: the sandbox number
    (`0003*00`), which has no extension and no user. Everything that is not public is local.
    """

    spelled: str
    number: str
    extension: Extension | None
    dial: str
    endpoint: str = ""
    is_public: bool = False
    is_service: bool = False
