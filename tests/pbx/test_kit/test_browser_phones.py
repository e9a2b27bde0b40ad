"""A phone in a browser, as a flow has it."""

from __future__ import annotations

from bridge.testing.browser_phones import MakeBrowserPhone
from bridge.testing.kit import Journal, MakePhone, ObservedApi, Source

BROWSER, DESK = "0003*215", "0003*211"


async def test_given_a_browser_phone_when_called_then_both_hear_each_other(
    uapi_api: ObservedApi,
    uapi_phone: MakePhone,
    uapi_browser_phone: MakeBrowserPhone,
    uapi_journal: Journal,
) -> None:
    browser = await uapi_browser_phone(BROWSER)
    desk = await uapi_phone(DESK, answer="auto", tone_hz=440)
    call = await uapi_api.place(DESK, BROWSER)
    await call.is_ringing_at(BROWSER)
    await browser.click("answer")

    await call.is_between(DESK, BROWSER)
    await browser.shows("talking")
    await desk.hears(1000)
    await browser.hears(440)
    await call.hang_up()
    await browser.shows()
    told = [x for x in uapi_journal.observations() if (x.source, x.who) == (Source.SIP, BROWSER)]
    assert [x.kind for x in told if x.text.startswith("INVITE ")] == ["received"]
