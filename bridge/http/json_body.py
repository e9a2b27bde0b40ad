"""A JSON object from a request, whatever its Content-Type says."""

from __future__ import annotations

import json
from collections.abc import Mapping

from bridge.http.uapi.errors import invalid


def json_object(body: bytes) -> Mapping[str, object]:
    """The JSON object in `body`. Raises 400 request_invalid."""
    try:
        value = json.loads(body.decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise invalid("request_invalid", "The body must be a JSON object in UTF-8.") from None
    except RecursionError:
        raise invalid("request_invalid", "The body is nested too deeply.") from None
    except ValueError:
        raise invalid("request_invalid", "A number in the body has too many digits.") from None
    if not isinstance(value, dict):
        raise invalid("request_invalid", "The body must be a JSON object.")
    return value
