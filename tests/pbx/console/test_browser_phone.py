"""A browser and a softphone hear each other: called, calling, on hold, transferred.

What the page plays itself, and on which device, is observed where it hands it to the browser.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from functools import partial

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from bridge.directory.loader import EXAMPLE_FILE
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.softphones.browser_phone import (
    OWN_TONE_HZ,
    BrowserPhone,
    chromium,
    phone_page,
)
from bridge.testing.softphones.toolchain import ensure_phone_tools
from tests.pbx.queues.queue_client import wait_callers

from .console_page import violations
from .page_audio import OBSERVED, ringtone_heard, silent

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALICE, BROWSER = "user-12", "0003*215"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    async with chromium(tmp_path_factory.mktemp("tone")) as browser:
        yield browser


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningLab]:
    """After the browser: its address is there before Asterisk looks."""
    ensure_phone_tools()
    folder = tmp_path_factory.mktemp("short")
    directory = folder / "directory.yaml"
    text, count = re.subn("members: .*", f"members: [{BROWSER}]", EXAMPLE_FILE.read_text())
    assert count == 1
    directory.write_text(text)
    async with await open_lab(folder / "lab", {"directory_file": str(directory)}) as lab:
        yield lab


@pytest_asyncio.fixture(loop_scope="session")
async def api(lab: RunningLab) -> AsyncIterator[ApiClient]:
    async with lab.client() as client:
        yield client
        await client.leave_no_call()


@pytest_asyncio.fixture(loop_scope="session")
async def phone(lab: RunningLab, browser: Browser) -> AsyncIterator[BrowserPhone]:
    bridge = lab.bridge
    async with phone_page(browser, bridge.base_url, ALICE, bridge.secret(f"app/{ALICE}")) as page:
        await page.online(BROWSER)
        yield page


async def test_given_a_browser_when_it_calls_then_both_hear_each_other(
    lab: RunningLab, api: ApiClient, phone: BrowserPhone
) -> None:
    async with lab.phone("0003*212", answer="auto") as other:
        await phone.dial("tel:2 1-2")  # as people write numbers
        await phone.shows("talking")
        await phone.hears(440)
        await other.wait_tone(OWN_TONE_HZ)
        [call] = await api.calls("215")
        assert [x["extension"] for x in call["phoneCallView"]] == ["215", "212"]

        await phone.page.keyboard.press("Escape")
        await other.wait_closed()
        record = await api.wait_ended(call["id"])
        assert (record["disposition"], record["endedBy"]) == (0, "source")
        assert len(record["phoneCallView"]) == 2


async def test_given_a_desk_phone_beside_it_when_called_then_both_ring_as_one_party(
    lab: RunningLab, api: ApiClient, phone: BrowserPhone
) -> None:
    async with (
        lab.phone("0003*212", answer="auto", tone_hz=600) as source,
        lab.phone(BROWSER) as desk,
    ):
        call_id = await api.place(["212"], ["215"], extension="212")
        await desk.wait_ringing()
        await phone.shows("incoming")
        await phone.page.locator("h1").click()
        await phone.page.keyboard.press("Enter")
        await phone.shows("talking")
        closed = await desk.wait_closed()
        assert not closed.missed
        await phone.hears(600)
        await source.wait_tone(OWN_TONE_HZ)
        await api.hang_up("212", call_id)
        assert len((await api.wait_ended(call_id))["phoneCallView"]) == 2

        call_id = await api.place(["215"], ["212"], extension="212")  # as the source
        await desk.wait_ringing()
        await phone.shows("incoming")
        await eventually(partial(_rings_at_both, lab), 10)  # else the CANCEL has no Reason
        await desk.accept()
        await expect(phone.page.get_by_text("Answered on another phone.")).to_be_visible()
        await phone.shows()
        await api.hang_up("212", call_id)
        assert (await api.wait_ended(call_id))["disposition"] == 0


async def _rings_at_both(lab: RunningLab) -> bool:
    channels = (await lab.asterisk.pbx.console("core show channels concise")).splitlines()
    return sum("0003*215" in x and "!Ringing!" in x for x in channels) == 2


async def test_given_a_call_when_held_muted_and_keys_are_pressed_then_the_other_side_notices(
    lab: RunningLab, api: ApiClient, phone: BrowserPhone
) -> None:
    async with lab.phone("0003*212", answer="auto") as other:
        await phone.dial("212")
        await phone.hears(440)
        await phone.click("mute")
        await eventually(lambda: other.tone_heard(OWN_TONE_HZ, last_s=1.0) < -30, 6)
        await phone.click("mute")
        await other.wait_tone(OWN_TONE_HZ)
        await phone.click("hold")
        await expect(phone.page.get_by_text("On hold", exact=True)).to_be_visible()
        await phone.hears(0)

        # A second call, while the first one waits: the digit takes it to an echo.
        await phone.dial("400")
        await phone.shows("talking", "talking")
        assert await violations(phone.page) == []  # of axe
        await phone.page.locator("h1").click()
        await eventually(lambda: pressed_and_heard(phone, "2", OWN_TONE_HZ), 15)
        await phone.click("hangup", call=1)
        await phone.shows("talking")
        await phone.click("hold")
        await other.wait_tone(OWN_TONE_HZ)
        await phone.click("hangup")
        await other.wait_closed()


async def pressed_and_heard(phone: BrowserPhone, key: str, hz: int) -> bool:
    """The IVR takes no digit while its tone plays; so one may come to nothing.

    Digits that follow each other soon would be all that the echo sends back.
    """
    await phone.page.keyboard.press(key)
    try:
        await phone.hears(hz, 3)
    except AssertionError:
        return False
    return True


async def test_given_a_call_when_transferred_then_the_other_two_talk(
    lab: RunningLab, api: ApiClient, phone: BrowserPhone
) -> None:
    async with (
        lab.phone("0003*212", answer="auto") as first,
        lab.phone("0003*211", answer="auto", tone_hz=600) as second,
    ):
        await phone.dial("212")
        await phone.hears(440)
        await phone.click("transfer")
        await phone.page.fill("input[name=transfer]", "211")
        await phone.click("blind")
        await phone.shows()
        await first.wait_tone(600)
        await second.wait_tone(440)
        await first.hangup()
        await second.wait_closed()

        await phone.dial("212")
        await phone.hears(440)
        await phone.click("transfer")
        await phone.page.fill("input[name=transfer]", "211")
        await phone.click("ask")
        await phone.shows("talking", "talking")
        await phone.hears(600)
        await phone.click("connect", call=1)
        await phone.shows()
        await first.wait_tone(600)
        await second.wait_tone(440)
        await first.hangup()
        await second.wait_closed()


async def test_given_chosen_devices_when_reloaded_then_calls_and_ringtone_use_them(
    lab: RunningLab, api: ApiClient, phone: BrowserPhone
) -> None:
    page = phone.page
    await page.click("details.devices summary")
    await page.get_by_role("button", name="Try the microphone").click()
    chosen = {}
    for kind in ("microphone", "speaker"):
        options = page.locator(f"select[name={kind}] option")
        await expect(options).not_to_have_count(1)
        other = await options.last.get_attribute("value")
        assert other
        await page.select_option(f"select[name={kind}]", other)
        chosen[kind] = other

    await page.add_init_script(OBSERVED)
    await page.reload()
    await expect(page.locator("[data-state=online]")).to_be_visible()
    await page.locator("h1").click()  # before that no browser plays a ringtone
    async with lab.phone("0003*212") as other_phone:
        await other_phone.dial("215")
        await phone.shows("incoming")
        await eventually(lambda: ringtone_heard(phone), 15)
        await phone.click("answer")
        await phone.shows("talking")
        await eventually(lambda: silent(phone), 15)
        await phone.hears(440)
        await other_phone.wait_tone(OWN_TONE_HZ)
        assert await page.evaluate("microphone()") == chosen["microphone"]
        assert set(await page.evaluate("[...speakers]")) == {
            f"{player} {chosen['speaker']}" for player in ("HTMLMediaElement", "AudioContext")
        }
        for kind, device in chosen.items():
            await expect(page.locator(f"select[name={kind}]")).to_have_value(device)
        await phone.click("hangup")
        await other_phone.wait_closed()
    async with lab.phone("0003*212") as other_phone:
        await other_phone.dial("215")
        await phone.shows("incoming")
        await eventually(lambda: ringtone_heard(phone), 15)
        await phone.click("reject")
        await phone.shows()
        await eventually(lambda: silent(phone), 15)
        await other_phone.wait_closed()


async def test_given_an_agent_that_talks_in_the_browser_when_queued_then_the_caller_waits(
    lab: RunningLab, api: ApiClient, phone: BrowserPhone
) -> None:
    async with (
        lab.phone("0003*212", answer="auto") as other,
        lab.phone("0003*213") as caller,
    ):
        await phone.dial("212")
        await phone.hears(440)
        await caller.dial("300")
        await wait_callers(api, 1)
        await phone.hears(440)
        await phone.shows("talking")
        await phone.click("hangup")
        await other.wait_closed()
        await phone.shows("incoming")
        await caller.hangup()
        await phone.shows()


async def test_given_somebody_without_the_right_when_signed_in_then_there_is_no_phone(
    lab: RunningLab, browser: Browser
) -> None:
    bridge = lab.bridge
    secret = bridge.secret("app/user-13")
    async with phone_page(browser, bridge.base_url, "user-13", secret) as page:
        await expect(page.page.get_by_text("No extension in reach")).to_be_visible()
        await expect(page.page.locator("input[name=number]")).to_have_count(0)
        said = await page.page.evaluate(
            """async () => {
              const { session } = await import("./app/session.js");
              const answer = await fetch("phones/0003*215/browser", {
                method: "POST", headers: { "X-Console-Proof": session.get().proof } });
              return [answer.status, (await answer.json()).error.code];
            }"""
        )
        assert said == [400, "extension_invalid"]
        page.faults.clear()  # the browser logs the 400
