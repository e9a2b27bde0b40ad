"""The logic of the page without a page: the modules that are pure, run by the browser."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.testing.lab.running_lab import RunningLab
from tests.lab.browser import WatchedPage

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]

CASES: dict[str, tuple[str, str, Any]] = {
    "events come whole, however their text is cut": (
        "lib/event_text.js",
        """m => {
          const got = [], read = m.makeEventReader((x) => got.push([x.type, x.data, x.id]));
          const text = ': heart\\n\\nid: 7\\r\\nevent: call\\r\\ndata: {"a":\\r\\ndata: 1}\\r\\n'
            + '\\r\\ndata: x\\n\\n';
          for (const letter of text) read(letter);
          return got;
        }""",
        [["call", '{"a":\n1}', "7"], ["message", "x", "7"]],
    ),
    "an ended call stays for a moment": (
        "live/call_list.js",
        """m => {
          const list = m.makeCallList(), call = {id: 'a', publishedMs: 1}, seen = [];
          const look = () => seen.push(list.inOrder().map(x => x.id).join());
          list.take('state', {entry: [{id: 'b', publishedMs: 2}, call]}, 0); look();
          list.take('call', {...call, ended: 'x'}, 0); list.forgetEnded(3999); look();
          list.forgetEnded(4000); look();
          seen.push(list.take('call', {id: 'z', ended: 'x'}, 0));
          list.take('gone', {id: 'b'}, 0); look();
          return seen;
        }""",
        ["a,b", "a,b", "b", False, ""],
    ),
    "a list draws the rows on the screen": (
        "lib/visible_rows.js",
        """m => [
          m.visibleRows({scrollTop: 0, height: 100, rowHeight: 10, count: 500}),
          m.visibleRows({scrollTop: 4990, height: 100, rowHeight: 10, count: 500}),
          m.visibleRows({scrollTop: 0, height: 100, rowHeight: 10, count: 0}),
          m.scrolledTo({row: 30, scrollTop: 0, height: 100, rowHeight: 10}),
          m.scrolledTo({row: 1, scrollTop: 50, height: 100, rowHeight: 10}),
        ]""",
        [{"first": 0, "end": 16}, {"first": 493, "end": 500}, {"first": 0, "end": 0}, 210, 10],
    ),
    "an address names a page": (
        "route.js",
        """m => {
          const pages = [{path: 'phones'}, {path: 'calls/:user/:id'}];
          return ['', '#/calls/12/0003%2A1?x=1', '#/%E0', '#/calls/12'].map(hash => {
            const {page, params, query} = m.routeOf(hash, pages);
            return [page.path, params, query];
          });
        }""",
        [
            ["phones", {}, {}],
            ["calls/:user/:id", {"user": "12", "id": "0003*1"}, {"x": "1"}],
            ["phones", {}, {}],
            ["phones", {}, {}],
        ],
    ),
    "a form becomes a create": (
        "calls/actions.js",
        """m => {
          const fields = new FormData();
          for (const [name, value] of Object.entries({
            source: '210, 211', destination: '212', video: 'on', callDuration: '60',
            metadata: '{"a":1}', nonce: ''})) fields.set(name, value);
          return m.createRequest(fields, {number: '0003*210', user: {id: '12'}});
        }""",
        {
            "path": "uapi/phoneCalls/12/simple",
            "query": {"callDuration": "60", "video": "true"},
            "body": {
                "extension": "0003*210",
                "phoneCallView": [{"source": ["210", "211"], "destination": ["212"]}],
                "metadata": {"a": 1},
            },
        },
    ),
    "a duration is written as people write it": (
        "live/call_words.js",
        "m => [-5, 0, 65000, 3723000].map(m.durationText)",
        ["0:00", "0:00", "1:05", "1:02:03"],
    ),
    "a party of an ended call is in no state": (
        "live/call_words.js",
        """m => ['', '2026-11-29T16:13:04Z'].map(ended => m.partiesOf(
          {ended, phoneCallView: [{id: '1', extension: '1', status: 0}]}
        )[0].state)""",
        ["not dialled yet", ""],
    ),
}


async def test_given_each_module_when_run_then_it_does_what_it_says(
    lab: RunningLab, fresh: WatchedPage
) -> None:
    await fresh.page.goto(f"{lab.bridge.base_url}/console/")
    for name, (module, run, wanted) in CASES.items():
        url = f"{lab.bridge.base_url}/console/app/{module}"
        assert await fresh.page.evaluate(f"import('{url}').then({run})") == wanted, name
