"""The report as one HTML file that needs no other: ladder, messages, capture."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from html import escape

from bridge.ladder import Ladder, LadderEntry, ladder_svg
from bridge.ladder.shown_text import many_lines, one_line

_DETAIL_CHARACTERS = 20_000
_PCAP_BYTES = 4_000_000
# No script runs and nothing is fetched, whatever the messages of others contain.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; --failed: #b3261e; --quiet: #59636e; --sip: #0a5dc2;
  --request: #6d28d9; --webhook: #0f766e; }
@media (prefers-color-scheme: dark) { :root { --failed: #ff8a80; --quiet: #9aa4af;
  --sip: #7ab7ff; --request: #c4a7ff; --webhook: #5eead4; } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 90rem; padding: 0 1rem; }
h1 { font-size: 1.3rem; } h2 { font-size: 1.05rem; margin-top: 2rem; }
.failed { color: var(--failed); } .sip { color: var(--sip); } .request { color: var(--request); }
.webhook { color: var(--webhook); } .log, .pbx-event { color: var(--quiet); }
.entry.failed { color: var(--failed); font-weight: bold; }
.picture { overflow-x: auto; border: 1px solid #8884; border-radius: 6px; }
table { border-collapse: collapse; width: 100%; font: 13px/1.4 ui-monospace, monospace; }
td, th { text-align: left; vertical-align: top; padding: 2px 10px 2px 0; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 4px 0; }
"""


def report_page(title: str, causes: Sequence[str], ladder: Ladder, pcap: bytes) -> str:
    """`causes`: as `causes.causes` gives them. The capture is in the page unless it is huge."""
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{_text(one_line(title, 200))}</title><style>{_STYLE}</style></head><body>",
            f"<h1>{_text(one_line(title, 400))}</h1>",
            "<h2>Causes</h2><ul>",
            *(f"<li class=failed>{_text(one_line(x, 1000))}</li>" for x in causes),
            "</ul><h2>Ladder</h2>",
            f'<div class="picture" tabindex="0">{ladder_svg(ladder, title)}</div>',
            *_capture(pcap),
            "<h2>Messages</h2><table><tr><th>ms<th>from<th>to<th>what",
            *(_row(x, ladder.begin_ms) for x in ladder.entries),
            "</table></body></html>",
        ]
    )


def _row(entry: LadderEntry, begin_ms: int) -> str:
    failed = " failed" if entry.failed else ""
    label = _text(one_line(entry.label, 300))
    if entry.detail.strip() not in ("", entry.label):
        detail = _text(many_lines(entry.detail, _DETAIL_CHARACTERS))
        label = f"<details><summary>{label}</summary><pre>{detail}</pre></details>"
    receiver = "" if entry.receiver == entry.sender else _text(one_line(entry.receiver, 80))
    return (
        f'<tr class="entry {entry.kind.value}{failed}"><td>{entry.at_ms - begin_ms}'
        f"<td>{_text(one_line(entry.sender, 80))}<td>{receiver}<td>{label}"
    )


def _capture(pcap: bytes) -> Iterator[str]:
    if len(pcap) <= _PCAP_BYTES:
        data = base64.b64encode(pcap).decode()
        kind = "application/vnd.tcpdump.pcap"
        yield f'<p><a download="call.pcap" href="data:{kind};base64,{data}">call as PCAP</a></p>'


def _text(text: str) -> str:
    return escape(text, quote=True)
