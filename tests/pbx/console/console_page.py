"""What several tests do with the console."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path
from typing import Any

from playwright.async_api import Page

from bridge.testing.lab.running_lab import RunningLab

_AXE = Path(__file__).parents[2] / "lab/axe-core/axe.min.js.gz"
_FOCUSED = """() => {
  const x = document.activeElement;
  return x.getAttribute('aria-label') ?? (x.labels?.[0] ?? x).innerText.trim().split('\\n')[0];
}"""
_TABS_MAX = 40


async def sign_in(page: Page, lab: RunningLab, client_id: str = "user-12") -> None:
    """With the credentials of an app, by keyboard."""
    await page.goto(f"{lab.bridge.base_url}/console/")
    await page.wait_for_selector("input[name=clientId]:focus")
    await page.keyboard.type(client_id)
    await page.keyboard.press("Tab")
    await page.keyboard.type(lab.bridge.secret(f"app/{client_id}"))
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".shell h1")


async def sign_in_user(page: Page, lab: RunningLab, user: str, password: str) -> None:
    """With the password of a user."""
    await page.goto(f"{lab.bridge.base_url}/console/")
    await page.get_by_role("radio", name="A user").check()
    await page.fill("[name=user]", user)
    await page.fill("[name=password]", password)
    await page.keyboard.press("Enter")


async def tab_to(page: Page, name: str) -> None:
    """Press Tab until what has the focus is called so."""
    seen = []
    for _ in range(_TABS_MAX):
        await page.keyboard.press("Tab")
        seen.append(await page.evaluate(_FOCUSED))
        if seen[-1].startswith(name):
            return
    raise AssertionError(f"no Tab leads to {name}: {seen}")


@cache
def _axe() -> str:
    return gzip.decompress(_AXE.read_bytes()).decode()


async def violations(page: Page) -> list[str]:
    """What axe finds on the page: where it is, the rule, and what breaks it."""
    await page.evaluate(_axe())
    found: Any = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    where = await page.evaluate("[...document.querySelectorAll('h1')].map(x => x.innerText).join()")
    return [
        f"{where}: {x['id']}: {node['target']} {node['failureSummary']}"
        for x in found["violations"]
        for node in x["nodes"]
    ]
