"""The parameters of a request, from its query and its form; names are case-sensitive."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from aiohttp import web
from multidict import MultiDict

from bridge.http.verba.errors import invalid_parameter
from bridge.http.verba.form import form_of
from bridge.http.verba.rendering import ResponseType

_DATE = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?\Z", re.ASCII)


class Parameters:
    """A parameter with an empty value counts as absent."""

    def __init__(self, values: Mapping[str, list[str]]) -> None:
        self._values = values

    @classmethod
    async def of(cls, request: web.Request) -> Parameters:
        """Raises VerbaError for an unreadable form, or a value that is not text."""
        found: MultiDict[str] = MultiDict(request.query)
        if request.method == "POST":
            found.extend(await form_of(request))
        for name, value in found.items():
            if not _is_text(name) or not _is_text(value):
                raise invalid_parameter(
                    f"Parameter {name!r:.60} holds a character that is not valid text."
                )
        return cls.from_pairs(found)

    @classmethod
    def of_query(cls, request: web.BaseRequest) -> Parameters:
        """The parameters of the query, for a request whose form is unreadable. Raises nothing."""
        return cls.from_pairs(
            MultiDict((k, v) for k, v in request.query.items() if _is_text(k) and _is_text(v))
        )

    @classmethod
    def from_pairs(cls, pairs: MultiDict[str]) -> Parameters:
        """Strip the values, and leave out those that are empty."""
        values: dict[str, list[str]] = {}
        for name, value in pairs.items():
            if value.strip():
                values.setdefault(name, []).append(value.strip())
        return cls(values)

    def names(self) -> list[str]:
        return list(self._values)

    def pairs(self) -> list[tuple[str, str]]:
        """Every name with every value, in an order that does not depend on the request's."""
        return sorted({(name, x) for name, values in self._values.items() for x in values})

    def get(self, name: str) -> str | None:
        """Raises -20 where the parameter is given twice, differently."""
        values = set(self._values.get(name, ()))
        if len(values) > 1:
            raise invalid_parameter(f"Parameter {name} is given more than once.")
        return next(iter(values), None)

    def every(self, name: str, most: int | None = None) -> tuple[str, ...]:
        """Raises -20 for more than `most`."""
        values = tuple(self._values.get(name, ()))
        if most is not None and len(values) > most:
            raise invalid_parameter(
                f"Parameter {name} is given {len(values)} times; at most {most} are taken."
            )
        return values

    def required(self, name: str) -> str:
        """The one value of that name. Raises -20 if it is missing or given more than once."""
        value = self.get(name)
        if value is None:
            raise invalid_parameter(f"Parameter {name} is missing.")
        return value

    def flag(self, name: str) -> bool:
        """True for 1; False for 0 or nothing. Raises -20 for any other value."""
        value = self.get(name) or "0"
        if value not in ("0", "1"):
            raise invalid_parameter(f"Parameter {name} must be 0 or 1.")
        return value == "1"

    def number(self, name: str, low: int, high: int) -> int | None:
        """A whole number from `low` to `high`; None if it is not given.

        Raises -20 for any other value.
        """
        value = self.get(name)
        if value is None:
            return None
        if value.isascii() and value.isdigit() and len(value) < 16 and low <= int(value) <= high:
            return int(value)
        raise invalid_parameter(f"Parameter {name} must be a number from {low} to {high}.")

    def moment(self, name: str) -> int | None:
        """`YYYY-MM-DD hh:mm[:ss[.SSS]]` in GMT, as milliseconds since the epoch."""
        value = self.get(name)
        if value is None:
            return None
        try:
            if not _DATE.match(value):
                raise ValueError(value)
            return int(datetime.fromisoformat(value).replace(tzinfo=UTC).timestamp() * 1000)
        except (ValueError, OverflowError):
            raise invalid_parameter(
                f"Parameter {name} must be YYYY-MM-DD hh:mm[:ss[.SSS]]."
            ) from None

    def response_type(self) -> ResponseType:
        """Raises -20 for another word than the three of docs/reference/specification.md §3."""
        value = self.get("responseType")
        if value is None:
            return ResponseType.XML
        try:
            return ResponseType(value)
        except ValueError:
            raise invalid_parameter("Parameter responseType must be XML, HTML or TEXT.") from None


def _is_text(value: str) -> bool:
    """Whether a database, and an answer in UTF-8, can hold it."""
    return "\x00" not in value and not any("\ud800" <= x <= "\udfff" for x in value)


def date_text(at_ms: int) -> str:
    """The moment in the form of the API, in GMT. `at_ms`: milliseconds since 1970."""
    moment = datetime.fromtimestamp(at_ms // 1000, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{at_ms % 1000:03d}"
