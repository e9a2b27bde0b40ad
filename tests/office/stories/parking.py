"""Parking: by REFER, by feature code, by somebody else; fetched, called back, given up, deleted."""

from __future__ import annotations

from tests.office.stage import CALLER, Stage

# The office gives out the first free slot from 701 on, so that one story has one of them.


async def parked_by_refer_and_fetched(stage: Stage) -> None:
    """210 and 211 talk; 211 parks 210 (REFER to 700); 212 fetches 210 and hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("211")
    await b.picks_up()
    await a.is_answered()
    await b.transfers_to("700")
    await b.is_free()
    await stage.sees("210 is parked", "local 210:5 > 701")
    await c.dials("701")
    await c.is_answered()
    await stage.sees("210 and 212 talk", "local 210:5 > 212:5")
    await c.hangs_up()
    await stage.ends(
        "212: joined",
        "local 210 > 211 212: answered, by destination",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-out answer-in ANSWER",
    )


async def parked_by_code_and_fetched(stage: Stage) -> None:
    """210 and 211 talk; 210 presses #72 and parks 211; 212 dials the slot; 211 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("211")
    await b.picks_up()
    await a.is_answered()
    await a.presses("#72")
    await a.is_free()
    await stage.sees("211 is parked", "local 211:5 > 701")
    await c.dials("701")
    await c.is_answered()
    await stage.sees("211 and 212 talk", "local 211:5 > 212:5")
    await b.hangs_up()
    await stage.ends(
        "212: joined",
        "local 210 211 > 212: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-out answer-in ANSWER",
    )


async def parked_api_call_fetched_deleted(stage: Stage) -> None:
    """The app connects 210 with 211; 211 parks 210; 212 fetches it; the app deletes by 212."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    a.answers_all()
    await stage.posts(["210"], ["211"])
    await b.picks_up()
    await stage.passes(0.3)
    await b.transfers_to("700")
    await b.is_free()
    await c.dials("701")
    await c.is_answered()
    await stage.sees("210 and 212 talk", "local 210:5 > 212:5")
    await stage.deletes(extension="212")
    await stage.ends(
        "212: joined",
        "local 210 > 211 212: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-out answer-in ANSWER",
    )


async def parked_and_called_back(stage: Stage) -> None:
    """211 parks 210, nobody fetches it for 4 s: 211 rings again and picks up; 210 hangs up."""
    a, b = stage.phone("210"), stage.phone("211")
    await a.dials("211")
    await b.picks_up()
    await a.is_answered()
    await b.transfers_to("700")
    await b.is_free()
    await b.rings()
    await b.picks_up()
    await stage.sees("they talk again", "local 210:5 > 211:5")
    await a.hangs_up()
    await stage.ends(
        "local 210 > 211: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-in dial-in answer-in answer-in ANSWER",
    )


async def parked_and_given_up(stage: Stage) -> None:
    """Somebody outside talks to 211, which parks the call; the caller hangs up."""
    b = stage.phone("211")
    await stage.calls_in("211")
    await b.picks_up()
    await stage.sees("they talk", f"in {CALLER}:5 > 211:5")
    await b.transfers_to("700")
    await b.is_free()
    await stage.sees("the caller is parked", f"in {CALLER}:5 > 701")
    await stage.caller_hangs_up()
    await stage.ends(f"in {CALLER} > 211: answered, by source", t211="dial-in answer-in ANSWER")


async def parked_and_deleted_beside_another(stage: Stage) -> None:
    """Two calls are parked; the app deletes one; the other stays, and is fetched."""
    a, b, c, d = (stage.phone(x) for x in ("210", "211", "212", "213"))
    await a.dials("211")
    await b.picks_up()
    await a.is_answered()
    await b.transfers_to("700")
    await b.is_free()
    await c.dials("211")
    await b.picks_up()
    await c.is_answered()
    await b.transfers_to("700")
    await b.is_free()
    await stage.sees("both are parked", "local 210:5 > 701", "local 212:5 > 702")
    await stage.deletes(extension="210")
    await stage.sees("one is left", "local 212:5 > 702")
    await d.dials("702")
    await d.is_answered()
    await stage.sees("212 and 213 talk", "local 212:5 > 213:5")
    await c.hangs_up()
    await stage.ends(
        "213: joined",
        "local 210 > 211: answered, by api",
        "local 212 > 211 213: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-in dial-in answer-in answer-in ANSWER ANSWER",
        t212="dial-out answer-out ANSWER",
        t213="dial-out answer-in ANSWER",
    )


async def parked_by_the_crm(stage: Stage) -> None:
    """210 and 211 talk; a CRM parks 210 (AMI Park); 212 fetches it; 212 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("211")
    await b.picks_up()
    await a.is_answered()
    await stage.crm("Park", Channel="@210", TimeoutChannel="@211")
    await b.is_free()
    await c.dials("701")
    await c.is_answered()
    await stage.sees("210 and 212 talk", "local 210:5 > 212:5")
    await c.hangs_up()
    await stage.ends(
        "212: joined",
        "local 210 > 211 212: answered, by destination",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-out answer-in ANSWER",
    )
