"""Pick-up of a colleague's call: by code, of one phone, by INVITE with Replaces."""

from __future__ import annotations

from tests.office.stage import CALLER, Stage


async def pickup_by_group_code(stage: Stage) -> None:
    """210 dials 211, which rings; 212 dials *8 and talks to 210; 212 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("211")
    await b.rings()
    await stage.sees("211 rings", "local 210:4 > 211:3")
    await c.dials("*8")
    await a.is_answered()
    await stage.sees("210 and 212 talk", "local 210:5 > 212:5")
    await c.hangs_up()
    await stage.ends(
        "212: joined",
        "local 210 > 211 212: answered, by destination",
        t210="dial-out answer-out ANSWER",
        t211="dial-in CANCEL",
        t212="dial-out answer-in ANSWER",
    )


async def pickup_by_group_code_deleted(stage: Stage) -> None:
    """210 dials 211; 212 dials *8 and talks to 210; the app deletes by 212."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("211")
    await b.rings()
    await c.dials("*8")
    await a.is_answered()
    await stage.sees("210 and 212 talk", "local 210:5 > 212:5")
    await stage.deletes(extension="212")
    await stage.ends(
        "212: joined",
        "local 210 > 211 212: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-in CANCEL",
        t212="dial-out answer-in ANSWER",
    )


async def pickup_of_one_phone(stage: Stage) -> None:
    """210 dials 211; 212 dials **211 and talks to 210; 210 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("211")
    await b.rings()
    await c.dials("**211")
    await a.is_answered()
    await stage.sees("210 and 212 talk", "local 210:5 > 212:5")
    await a.hangs_up()
    await stage.ends(
        "212: joined",
        "local 210 > 211 212: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-in CANCEL",
        t212="dial-out answer-in ANSWER",
    )


async def pickup_of_api_call(stage: Stage) -> None:
    """The app connects 210 with 211; 212 dials *8 and talks to 210; the app deletes by its id."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    a.answers_all()
    call = await stage.posts(["210"], ["211"])
    await b.rings()
    await stage.sees("211 rings", "local 210:4 > 211:3")
    await c.dials("*8")
    await b.is_free()
    await stage.sees("210 and 212 talk", "local 210:5 > 212:5")
    await stage.deletes(call_id=call)
    await stage.ends(
        "212: joined",
        "local 210 > 211 212: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-in CANCEL",
        t212="dial-out answer-in ANSWER",
    )


async def pickup_of_a_call_from_outside(stage: Stage) -> None:
    """Somebody outside calls 211, which rings; 212 dials **211; the caller hangs up."""
    b, c = stage.phone("211"), stage.phone("212")
    await stage.calls_in("211")
    await b.rings()
    await c.dials("**211")
    await b.is_free()
    await stage.sees("212 talks", f"in {CALLER}:5 > 212:5")
    await stage.caller_hangs_up()
    await stage.ends(
        "212: joined",
        f"in {CALLER} > 211 212: answered, by source",
        t211="dial-in CANCEL",
        t212="dial-out answer-in ANSWER",
    )


async def pickup_from_a_ring_group(stage: Stage) -> None:
    """210 dials 600, 211 and 212 ring; 213 dials *8 and talks to 210; 210 hangs up."""
    a, b, c, d = (stage.phone(x) for x in ("210", "211", "212", "213"))
    await a.dials("600")
    await b.rings()
    await c.rings()
    await d.dials("*8")
    await a.is_answered()
    await b.is_free()
    await c.is_free()
    await stage.sees("210 and 213 talk", "local 210:5 > 213:5")
    await a.hangs_up()
    await stage.ends(
        "213: joined",
        "local 210 > 211 212 213: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-in CANCEL",
        t212="dial-in CANCEL",
        t213="dial-out answer-in ANSWER",
    )


async def pickup_from_a_queue(stage: Stage) -> None:
    """210 dials 301; 211 and 212 ring; 213 dials **211 and talks to 210; 213 hangs up."""
    a, b, c, d = (stage.phone(x) for x in ("210", "211", "212", "213"))
    await a.dials("301")
    await b.rings()
    await c.rings()
    await d.dials("**211")
    await a.is_answered()
    await c.is_free()
    await stage.sees("210 and 213 talk", "local 210:5 > 213:5 301")
    await d.hangs_up()
    await stage.ends(
        "213: joined",
        "local 210 > 211 212 213 301: answered, by destination",
        t210="dial-out answer-out ANSWER",
        t211="dial-in CANCEL",
        t212="dial-in CANCEL",
        t213="dial-out answer-in ANSWER",
        t301="dial-in answer-in ANSWER",
    )


async def pickup_of_nothing(stage: Stage) -> None:
    """212 dials **211, which does not ring."""
    c = stage.phone("212")
    await c.dials("**211")
    await c.is_free()
    await stage.ends("local 212 > **211: failed, by pbx", t212="dial-out CHANUNAVAIL")


async def pickup_by_group_code_of_nothing(stage: Stage) -> None:
    """212 dials *8 while nothing rings."""
    c = stage.phone("212")
    await c.dials("*8")
    await c.is_free()
    await stage.ends("local 212 > *8: failed, by pbx", t212="dial-out CHANUNAVAIL")


async def pickup_too_late(stage: Stage) -> None:
    """210 dials 211; 212 dials *8 and has the call; 213 dials *8, 214 **211, both in vain."""
    a, b, c, d, e = (stage.phone(x) for x in ("210", "211", "212", "213", "214"))
    await a.dials("211")
    await b.rings()
    await c.dials("*8")
    await a.is_answered()
    await d.dials("*8")
    await d.is_free()
    await e.dials("**211")
    await e.is_free()
    await stage.sees("210 and 212 talk", "local 210:5 > 212:5")
    await a.hangs_up()
    await stage.ends(
        "212: joined",
        "local 213 > *8: failed, by pbx",
        "local 214 > **211: failed, by pbx",
        "local 210 > 211 212: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-in CANCEL",
        t212="dial-out answer-in ANSWER",
        t213="dial-out CHANUNAVAIL",
        t214="dial-out CHANUNAVAIL",
    )


async def replaces_while_ringing(stage: Stage) -> None:
    """210 dials 211, which rings; 212's lamp key takes the call (Replaces); 210 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("211")
    await b.rings()
    await c.takes_over(b, "211")
    await a.is_answered()
    await stage.sees("210 and 212 talk", "local 210:5 > 212:5")
    await a.hangs_up()
    await stage.ends(
        "212: joined",
        "local 210 > 211 212: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-in CANCEL",
        t212="dial-out answer-in ANSWER",
    )


async def replaces_of_a_talk(stage: Stage) -> None:
    """210 and 211 talk; 212 takes the call over (Replaces); 212 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("211")
    await b.picks_up()
    await a.is_answered()
    await stage.sees("210 and 211 talk", "local 210:5 > 211:5")
    await c.takes_over(b, "211")
    await b.is_free()
    await stage.sees("210 and 212 talk", "local 210:5 > 212:5")
    await c.hangs_up()
    await stage.ends(
        "212: joined",
        "local 210 > 211 212: answered, by destination",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-out answer-in ANSWER",
    )


async def replaces_of_an_api_talk_deleted(stage: Stage) -> None:
    """The app connects 210 with 211, they talk; 212 takes the call over; deleted by 212."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    a.answers_all()
    await stage.posts(["210"], ["211"])
    await b.picks_up()
    await stage.passes(0.3)
    await stage.sees("210 and 211 talk", "local 210:5 > 211:5")
    await c.takes_over(b, "211")
    await b.is_free()
    await stage.sees("210 and 212 talk", "local 210:5 > 212:5")
    await stage.deletes(extension="212")
    await stage.ends(
        "212: joined",
        "local 210 > 211 212: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-out answer-in ANSWER",
    )
