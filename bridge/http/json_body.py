"""A JSON object from a request, whatever its Content-Type says."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from bridge.http.errors import invalid

_SHOWN_CHARS = 40


def json_object(body: bytes) -> Mapping[str, object]:
    """The JSON object in `body`. Raises 400 request_invalid, also if a member at any depth occurs
    twice with two values. The service does not guess which value is meant."""
    try:
        value = json.loads(body.decode("utf-8-sig"), object_pairs_hook=_one_of_each)
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise invalid("request_invalid", "The body must be a JSON object in UTF-8.") from None
    except RecursionError:
        raise invalid("request_invalid", "The body is nested too deeply.") from None
    except ValueError:
        raise invalid("request_invalid", "A number in the body has too many digits.") from None
    if not isinstance(value, dict):
        raise invalid("request_invalid", "The body must be a JSON object.")
    return value


def _one_of_each(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs:
        # As text: True is 1 in Python, and not in JSON.
        if name in found and json.dumps(found[name]) != json.dumps(value):
            shown = name[:_SHOWN_CHARS]
            raise invalid("request_invalid", f"{shown} is given more than once, differently.")
        found[name] = value
    return found
