"""The app ends one call in the middle of something, and nobody beside it."""

from __future__ import annotations

from tests.office.stage import Stage


async def queue_caller_deleted_beside_another(stage: Stage) -> None:
    """210 and 213 wait in queue 308, whose one agent rings; the app deletes by 213; the agent picks
    up and talks to 210; the app deletes by 210."""
    a, b, d = (stage.phone(x) for x in ("210", "211", "213"))
    await a.dials("308")
    await b.rings()
    await d.dials("308")
    await stage.passes(0.5)
    await stage.sees("both wait", "local 210:4 > 211:3 308", "local 213:1 > 308")
    await stage.deletes(extension="213")
    await d.is_free()
    await stage.sees("one is left", "local 210:4 > 211:3 308")
    await b.picks_up()
    await a.is_answered()
    await stage.sees("they talk", "local 210:5 > 211:5 308")
    await stage.deletes(extension="210")
    await stage.ends(
        "local 213 > 308: no answer, by api",
        "local 210 > 211 308: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t213="dial-out CANCEL",
        t308="dial-in dial-in answer-in ANSWER CANCEL",
    )


async def phone_attended_asked_deleted(stage: Stage) -> None:
    """210 and 211 talk; 210 holds, dials 212 and asks; the app deletes by the number 212; 210 is
    back with 211, which hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("211")
    await b.picks_up()
    await a.is_answered()
    await a.holds()
    await a.dials("212")
    await c.picks_up()
    await a.is_answered()
    await stage.sees("two talks", "local 210:5 > 211:5", "local 210:5 > 212:5")
    await stage.deletes(number="212")
    await c.is_free()
    await stage.sees("one is left", "local 210:5 > 211:5")
    await b.hangs_up()
    await stage.ends(
        "local 210 > 212: answered, by api",
        "local 210 > 211: answered, by destination",
        t210="dial-out dial-out answer-out answer-out ANSWER ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-in answer-in ANSWER",
    )


async def code_attended_asked_deleted(stage: Stage) -> None:
    """210 and 211 talk; 210 presses *2 212 and asks; the app deletes by 211, which hears music."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("211")
    await b.picks_up()
    await a.is_answered()
    await a.presses("*2")
    await stage.passes(1.5)
    await a.presses("212")
    await c.picks_up()
    await stage.passes(0.3)
    await stage.sees("210 asks 212", "local 210:5 > 211:5 212:5")
    await stage.deletes(extension="211")
    await stage.ends(
        "local 210 > 211 212: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-in answer-in ANSWER",
    )


async def parked_and_called_back_deleted(stage: Stage) -> None:
    """211 parks 210, nobody fetches it for 4 s: 211 rings again; the app deletes by 210."""
    a, b = stage.phone("210"), stage.phone("211")
    await a.dials("211")
    await b.picks_up()
    await a.is_answered()
    await b.transfers_to("700")
    await b.is_free()
    await b.rings()
    await stage.sees("211 rings again", "local 210:4 > 211:3")
    await stage.deletes(extension="210")
    await stage.ends(
        "local 210 > 211: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-in dial-in answer-in ANSWER",
    )


async def group_deleted_by_its_number(stage: Stage) -> None:
    """210 dials 600, 211 and 212 ring, 212 picks up; the app deletes by the number 600."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("600")
    await b.rings()
    await c.picks_up()
    await b.is_free()
    await a.is_answered()
    await stage.sees("they talk", "local 210:5 > 212:5")
    await stage.deletes(number="600")
    await stage.ends(
        "local 210 > 211 212: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-in CANCEL",
        t212="dial-in answer-in ANSWER",
    )


async def page_deleted(stage: Stage) -> None:
    """210 pages 211 and 212 (621), through Local channels; the app deletes by 212."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    b.answers_all()
    c.answers_all()
    await a.dials("621")
    await a.is_answered()
    await stage.sees("all hear", "local 210:5 > 211:5 212:5")
    await stage.deletes(extension="212")
    await stage.ends(
        "local 210 > 211 212: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-in answer-in ANSWER",
    )
