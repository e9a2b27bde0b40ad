"""An AMI client of somebody else moves two who talk apart: from then on they are two calls."""

from __future__ import annotations

from tests.office.redirecting import redirect_both
from tests.office.stage import MOBILE, Stage


async def both_moved_apart(stage: Stage) -> None:
    """210 and 211 talk; a CRM moves 210 to 212 and 211 to 213, both pick up; 210, 211 hang up."""
    a, b, c, d = (stage.phone(x) for x in ("210", "211", "212", "213"))
    await a.dials("211")
    await b.picks_up()
    await a.is_answered()
    await redirect_both(stage, ("@210", "212"), ("@211", "213"))
    await c.rings()
    await d.rings()
    await stage.sees("two ring", "local 210:4 > 212:3", "local 211:4 > 213:3")
    await c.picks_up()
    await d.picks_up()
    await stage.sees("two talk, and two others", "local 210:5 > 212:5", "local 211:5 > 213:5")
    await a.hangs_up()
    await c.is_free()
    await stage.sees("211 and 213 talk", "local 211:5 > 213:5")
    await b.hangs_up()
    await stage.ends(
        "local 210 > 211 212: answered, by source",
        "local 211 > 213: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-in answer-in ANSWER",
        t213="dial-in answer-in ANSWER",
    )


async def moved_apart_deleted_by_number(stage: Stage) -> None:
    """210 and 211 talk; a CRM moves 210 to 212 and 211 to 213, both pick up; deleted by the number
    211, which 210 has dialled, and then by 212."""
    a, b, c, d = (stage.phone(x) for x in ("210", "211", "212", "213"))
    await a.dials("211")
    await b.picks_up()
    await a.is_answered()
    await redirect_both(stage, ("@210", "212"), ("@211", "213"))
    await c.picks_up()
    await d.picks_up()
    await stage.sees("two talk, and two others", "local 210:5 > 212:5", "local 211:5 > 213:5")
    await stage.deletes(number="211")
    await d.is_free()
    await stage.sees("210 and 212 talk on", "local 210:5 > 212:5")
    await stage.deletes(number="212")
    await stage.ends(
        "local 210 > 211 212: answered, by api",
        "local 211 > 213: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-in answer-in ANSWER",
        t213="dial-in answer-in ANSWER",
    )


async def api_call_moved_apart(stage: Stage) -> None:
    """The app connects 210 with 211; a CRM moves 210 to 212 and 211 to a mobile, which answers;
    deleted by its id, and then by the mobile's number."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    a.answers_all()
    call_id = await stage.posts(["210"], ["211"])
    await b.picks_up()
    await stage.sees("they talk", "local 210:5 > 211:5")
    await redirect_both(stage, ("@210", "212"), ("@211", MOBILE))
    await c.picks_up()
    await stage.sees("two talk, and two others", "local 210:5 > 212:5", f"out 211:5 > {MOBILE}:5")
    await stage.deletes(call_id=call_id)
    await c.is_free()
    await stage.sees("211 talks on", f"out 211:5 > {MOBILE}:5")
    await stage.deletes(number=MOBILE)
    await stage.ends(
        "local 210 > 211 212: answered, by api",
        f"out 211 > {MOBILE}: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-in answer-in ANSWER",
    )


async def outside_call_moved_apart(stage: Stage) -> None:
    """Somebody outside calls ring group 601, 211 picks up; a CRM moves the caller to 213, and 211
    to 214; 213 picks up, 214 does not; 211 gives up; the caller hangs up."""
    b, c, d, e = (stage.phone(x) for x in ("211", "212", "213", "214"))
    await stage.calls_in("601")
    await c.rings()
    await b.picks_up()
    await c.is_free()
    await stage.sees("they talk", "in 3235550100:5 > 211:5")
    await redirect_both(stage, ("@public", "213"), ("@211", "214"))
    await d.picks_up()
    await e.rings()
    await stage.sees("two talk, 214 rings", "in 3235550100:5 > 213:5", "local 211:4 > 214:3")
    await b.hangs_up()
    await e.is_free()
    await stage.sees("211 has given up", "in 3235550100:5 > 213:5")
    await stage.caller_hangs_up()
    await stage.ends(
        "in 3235550100 > 211 212 213: answered, by source",
        "local 211 > 214: no answer, by source",
        t211="dial-in answer-in ANSWER",
        t212="dial-in CANCEL",
        t213="dial-in answer-in ANSWER",
        t214="dial-in CANCEL",
    )


async def moved_apart_into_groups(stage: Stage) -> None:
    """210 and 214 talk; a CRM moves 210 to 213, and 214 to ring group 600, whose Local channels are
    optimised away; 213 and 212 pick up; deleted by 212."""
    a, b, c, d, e = (stage.phone(x) for x in ("210", "211", "212", "213", "214"))
    await a.dials("214")
    await e.picks_up()
    await a.is_answered()
    await redirect_both(stage, ("@210", "213"), ("@214", "600"))
    await d.picks_up()
    await b.rings()
    await c.rings()
    await stage.sees("a group rings", "local 210:5 > 213:5", "local 214:4 > 211:3 212:3")
    await c.picks_up()
    await b.is_free()
    await stage.passes(0.5)
    await stage.sees("two talk, and two others", "local 210:5 > 213:5", "local 214:5 > 212:5")
    await stage.deletes(extension="212")
    await e.is_free()
    await stage.sees("210 and 213 talk on", "local 210:5 > 213:5")
    await d.hangs_up()
    await stage.ends(
        "local 210 > 213 214: answered, by destination",
        "local 214 > 211 212: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-in CANCEL",
        t212="dial-in answer-in ANSWER",
        t213="dial-in answer-in ANSWER",
        t214="dial-in answer-in ANSWER",
    )


async def moved_apart_and_on(stage: Stage) -> None:
    """210 and 211 talk; a CRM moves 210 to 212 and 211 to 213; 213 picks up
    and transfers 211 to 214, which picks up; 212 picks up; 214 and 212 hang up."""
    a, b, c, d, e = (stage.phone(x) for x in ("210", "211", "212", "213", "214"))
    await a.dials("211")
    await b.picks_up()
    await a.is_answered()
    await redirect_both(stage, ("@210", "212"), ("@211", "213"))
    await d.picks_up()
    await stage.sees("212 rings", "local 210:4 > 212:3", "local 211:5 > 213:5")
    await d.transfers_to("214")
    await d.is_free()
    await e.picks_up()
    await stage.sees("211 talks to 214", "local 210:4 > 212:3", "local 211:5 > 214:5")
    await c.picks_up()
    await stage.sees("both talk", "local 210:5 > 212:5", "local 211:5 > 214:5")
    await e.hangs_up()
    await b.is_free()
    await c.hangs_up()
    await stage.ends(
        "local 210 > 211 212: answered, by destination",
        "local 211 > 213 214: answered, by destination",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-in answer-in ANSWER",
        t213="dial-in answer-in ANSWER",
        t214="dial-in answer-in ANSWER",
    )


async def moved_apart_and_together_again(stage: Stage) -> None:
    """210 and 211 talk; a CRM moves 210 to 212 and 211 to 213, both pick up; then it bridges 210
    and 211; 211 hangs up."""
    a, b, c, d = (stage.phone(x) for x in ("210", "211", "212", "213"))
    await a.dials("211")
    await b.picks_up()
    await a.is_answered()
    await redirect_both(stage, ("@210", "212"), ("@211", "213"))
    await c.picks_up()
    await d.picks_up()
    await stage.sees("two talk, and two others", "local 210:5 > 212:5", "local 211:5 > 213:5")
    await stage.crm("Bridge", Channel1="@210", Channel2="@211")
    await c.is_free()
    await d.is_free()
    await stage.sees("as before", "local 210:5 > 211:5")
    await b.hangs_up()
    await stage.ends(
        "211: joined",
        "local 210 > 211 212 213: answered, by destination",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-in answer-in ANSWER",
        t213="dial-in answer-in ANSWER",
    )


async def moved_apart_into_conference(stage: Stage) -> None:
    """210 and 211 talk; a CRM moves 211 into the conference and 210 to 212, which picks up; deleted
    by the conference's number; 212 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("211")
    await b.picks_up()
    await a.is_answered()
    await redirect_both(stage, ("@210", "212"), ("@211", "500"))
    await c.picks_up()
    await stage.passes(0.5)
    await stage.sees("two talk, 211 confers", "local 210:5 > 212:5", "local 211:5 > 500:5")
    await stage.deletes(number="500")
    await b.is_free()
    await stage.sees("210 and 212 talk on", "local 210:5 > 212:5")
    await c.hangs_up()
    await stage.ends(
        "local 210 > 211 212: answered, by destination",
        "local 211 > 500: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-in answer-in ANSWER",
        t500="dial-in answer-in ANSWER",
    )


async def moved_apart_to_an_echo(stage: Stage) -> None:
    """210 and 211 talk; a CRM moves 210 to 212, which picks up, and 211 to an echo; deleted by the
    number of the echo; 212 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("211")
    await b.picks_up()
    await a.is_answered()
    await redirect_both(stage, ("@210", "212"), ("@211", "00"))
    await c.picks_up()
    await stage.passes(0.8)
    await stage.sees("two talk, 211 hears itself", "local 210:5 > 212:5", "local 211:5 > 00")
    await stage.deletes(number="00")
    await b.is_free()
    await stage.sees("210 and 212 talk on", "local 210:5 > 212:5")
    await c.hangs_up()
    await stage.ends(
        "local 210 > 211 212: answered, by destination",
        "local 211 > 00: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-in answer-in ANSWER",
    )


async def caller_moved_to_an_ivr_called_to_another(stage: Stage) -> None:
    """210 and 211 talk; a CRM moves 210 to the IVR 400 and 211 to 213, which rings and picks up;
    213 hangs up; 210 hangs up.

    The IVR waits at the extension `s`: nobody tells its number.
    """
    a, b, d = (stage.phone(x) for x in ("210", "211", "213"))
    await a.dials("211")
    await b.picks_up()
    await a.is_answered()
    await redirect_both(stage, ("@210", "400"), ("@211", "213"))
    await d.rings()
    await stage.passes(0.8)
    await stage.sees("210 hears the IVR", "local 210:5 > -", "local 211:4 > 213:3")
    await d.picks_up()
    await stage.sees("211 and 213 talk", "local 210:5 > -", "local 211:5 > 213:5")
    await d.hangs_up()
    await b.is_free()
    await stage.sees("210 is left", "local 210:5 > -")
    await a.hangs_up()
    await stage.ends(
        "local 210 > 211: answered, by source",
        "local 211 > 213: answered, by destination",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t213="dial-in answer-in ANSWER",
    )
