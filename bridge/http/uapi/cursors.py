"""`cursor`: the place in a list that the next page begins at. Ours, beside `startIndex`.

A cursor holds the key by which the last item of a page is ordered. So the next page begins after
that item also where items have come or gone, and where the item itself has gone. A cursor
gives no right: each request gets only items that its sender may see.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from yarl import URL

from bridge.http.errors import UapiError, invalid
from bridge.http.uapi.ignored_parameters import TOKEN_PARAMETER

CURSOR = "cursor"
Position = tuple[int, str]
"""The key by which the items of a list are ordered."""

_MAX_CHARS = 4096  # a longer URL would not be taken by many servers
_WRITTEN = re.compile(r"([a-z]{1,30})\.(a|d)\.([0-9]{1,18})\.(.*)\Z", re.DOTALL)
_ALPHABET = re.compile(r"[A-Za-z0-9_-]+\Z")


@dataclass(frozen=True, slots=True)
class CursorKind:
    """The list and the order that a cursor belongs to. `list_name`: small letters."""

    list_name: str
    descending: bool

    def written(self, position: Position) -> str | None:
        """The cursor for that position; None for one that no URL could carry."""
        order = "d" if self.descending else "a"
        text = f"{self.list_name}.{order}.{position[0]}.{position[1]}"
        cursor = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
        return cursor if len(cursor) <= _MAX_CHARS and position[1].isprintable() else None

    def read(self, cursor: str) -> Position:
        """The position in a cursor that `written` made. Raises 400 cursor_invalid."""
        if not _ALPHABET.match(cursor) or len(cursor) > _MAX_CHARS:
            raise _invalid()
        try:
            padded = cursor + "=" * (-len(cursor) % 4)
            text = base64.urlsafe_b64decode(padded).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise _invalid() from None
        found = _WRITTEN.match(text)
        if found is None:
            raise _invalid()
        position = int(found[3]), found[4]
        if self.written(position) != cursor:  # of another list or order, or written otherwise
            raise _invalid()
        return position


def next_link(url: URL, cursor: str, count: int) -> dict[str, str]:
    """The header that leads to the next page (RFC 8288). `url` is the request's own, absolute.

    Without the token: links are kept and shown, and the client has it anyway.
    """
    page = url.without_query_params(TOKEN_PARAMETER, "startIndex")
    page = page.update_query({CURSOR: cursor, "count": str(count)})
    return {"Link": f'<{page}>; rel="next"'}


def _invalid() -> UapiError:
    return invalid(
        "cursor_invalid",
        "cursor must be that of a Link header of this list, in the same order, or empty.",
    )
