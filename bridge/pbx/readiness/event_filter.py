"""The lines of manager.conf that decide which events an AMI user gets. Pure.

Asterisk sends an event if it matches an including filter, where there is one, and no excluding
filter (main/manager.c, `should_send_event`). A filter has one of two forms:

- `eventfilter(action(exclude),name(Hold),header(…),method(…)) = …`, since 20.11, 21.6 and 22.1;
- `eventfilter = !^Event: Hold`, a POSIX regular expression over the whole event.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_HEADERS = {
    "DialState": "DialStatus: PROGRESS",
    "BridgeEnter": "BridgeType: basic",
    "DTMFEnd": "Direction: Received",
}
"""Of these events the service needs those with this header only."""


@dataclass(frozen=True, slots=True)
class _Filter:
    excludes: bool
    name: str = ""
    expression: re.Pattern[str] | None = None
    partly: bool = False
    """It looks at a header as well, so some events of that name match and others do not."""

    def matches(self, event: str) -> bool:
        if self.expression is not None:
            return self.expression.search(_sample(event)) is not None
        if self.partly and self.excludes:
            return False
        return self.name in ("", event)


def kept_back(
    events: Iterable[str], user_lines: Sequence[tuple[str, str]], disabled: str
) -> list[str]:
    """Those of `events` that never reach the user, in their order.

    `user_lines`: name and value of each line of the user's section. `disabled`: `disabledevents`
    of [general], names with commas between them. A filter that cannot be understood counts as
    absent, as it does in Asterisk.
    """
    filters = [x for x in map(_filter, user_lines) if x is not None]
    including = [x for x in filters if not x.excludes]
    excluding = [x for x in filters if x.excludes]
    made_never = {x.strip().lower() for x in disabled.split(",")}

    def arrives(event: str) -> bool:
        if event.lower() in made_never or any(x.matches(event) for x in excluding):
            return False
        return not including or any(x.matches(event) for x in including)

    return [x for x in events if not arrives(x)]


def _filter(line: tuple[str, str]) -> _Filter | None:
    name, value = line
    key, _, criteria = name.strip().partition("(")
    if key.strip().lower() != "eventfilter":
        return None
    if criteria:
        given = dict(re.findall(r"(\w+)\(([^()]*)\)", criteria))
        return _Filter(
            excludes=given.get("action", "include").lower() == "exclude",
            name=given.get("name", ""),
            partly=bool(value.strip()) or "header" in given,
        )
    expression = value.strip()
    try:
        # In POSIX a dot means a line end, too.
        compiled = re.compile(expression.removeprefix("!"), re.DOTALL)
    except re.error:
        return None
    return _Filter(excludes=expression.startswith("!"), expression=compiled)


def _sample(event: str) -> str:
    """An event of that name, as Asterisk compares it with an expression."""
    header = _HEADERS.get(event)
    return f"Event: {event}\r\nPrivilege: call,all\r\n" + (f"{header}\r\n" if header else "")
