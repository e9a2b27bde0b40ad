"""A stream of hundreds of live calls, as the service writes it, played inside the page."""

from __future__ import annotations

import json
from typing import Any

BEGAN_MS = 1_795_963_037_912
_PLAYED = """(() => {
  const real = window.fetch, {state, changes, each_ms} = %s;
  const text = (kind, data) => new TextEncoder().encode(
    `event: ${kind}\\ndata: ${JSON.stringify(data)}\\n\\n`);
  window.fetch = (url, options) => {
    if (!String(url).includes('/phoneCalls/@all/')) return real(url, options);
    return Promise.resolve(new Response(new ReadableStream({
      start(stream) {
        stream.enqueue(text('state', {entry: state}));
        let next = 0;
        const timer = setInterval(() => {
          if (next < changes.length) stream.enqueue(text('call', changes[next++]));
          else clearInterval(timer);
        }, each_ms);
      },
    }), {headers: {'Content-Type': 'text/event-stream'}}));
  };
})()"""


def live_call(number: int, *, status: int = 5) -> dict[str, Any]:
    """One call of the form that a stream has; `status`: of its parties."""
    source, destination = f"32355{number:05d}", "0003*211"
    moment = "2026-11-29T14:37:17Z"
    parties = {"source": [source], "destination": [destination], "flow": 1, "status": status}
    call: dict[str, Any] = {
        "id": f"{number:020x}",
        "extension": "0003*210",
        "ownerId": "3",
        "published": moment,
        "phoneCallView": [
            {"id": "00", **parties},
            {"id": "01", "extension": destination, **parties},
        ],
        "links": {"self": f"http://127.0.0.1/uapi/phoneCalls/12/0003*210/{number:020x}"},
        "publishedMs": BEGAN_MS + number,
    }
    return call | ({"answeredMs": BEGAN_MS + number} if status == 5 else {})


def played(count: int, changes: int, each_ms: int) -> str:
    """A script for the page: `count` ringing calls at once, of which `changes` answer, one in
    each `each_ms`."""
    told = {
        "state": [live_call(x, status=3) for x in range(count)],
        "changes": [live_call(x) for x in range(changes)],
        "each_ms": each_ms,
    }
    return _PLAYED % json.dumps(told)
