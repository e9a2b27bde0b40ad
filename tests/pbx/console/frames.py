"""`python -m tests.pbx.console.frames`: how many frames a second the list of calls draws.

It scrolls all the time, while a hundred calls a second change. The service is real, its PBX is a
script, and the stream of calls is played inside the page.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from tests.lab.browser import open_browser, open_page
from tests.unit.http.whole_service import whole_service

from .many_calls import played

_COUNTS, _CHANGES, _EACH_MS = (20, 500, 2000), 300, 10
_FRAMES = """async () => {
  const list = document.querySelector('.scroll'), times = [], began = performance.now();
  for (let last = began; last - began < 3000;) {
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    times.push(now - last);
    last = now;
    list.scrollTop = (list.scrollTop + 37) % Math.max(1, list.scrollHeight - list.clientHeight);
  }
  times.sort((one, other) => one - other);
  return [times.length / 3, times[times.length >> 1], times[Math.floor(times.length * 0.95)]];
}"""


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="frames-") as folder:
        async with whole_service(Path(folder)) as service, open_browser() as browser:
            for count in _COUNTS:
                code = service.service.sign_in_codes.new("user-12", "user-12")
                async with open_page(browser) as watched:
                    page = watched.page
                    await page.add_init_script(played(count, min(count, _CHANGES), _EACH_MS))
                    await page.goto(f"{service.base_url}/console/#sign-in={code}")
                    await page.get_by_role("link", name="Calls").click()
                    await page.wait_for_selector(".call")
                    fps, median_ms, p95_ms = await page.evaluate(_FRAMES)
                told = f"{fps:.0f} frames/s, {median_ms:.1f} ms each, 95 % below {p95_ms:.1f} ms"
                print(f"{count} calls: {told}")  # noqa: T201 - what it is for


if __name__ == "__main__":
    asyncio.run(main())
