"""To and from the public network: two carriers, names, callers on the road, mailboxes."""

from __future__ import annotations

from tests.office.stage import BUSY, CALLER, ELSEWHERE, MOBILE, SILENT, Stage


async def fail_over_dialled(stage: Stage) -> None:
    """210 dials a number that the first carrier refuses; the second has it; deleted by number."""
    a = stage.phone("210")
    await a.dials(ELSEWHERE)
    await a.is_answered()
    await stage.sees("they talk", f"out 210:5 > {ELSEWHERE}:5")
    await stage.deletes(number=ELSEWHERE)
    await stage.ends(f"out 210 > {ELSEWHERE}: answered, by api", t210="dial-out answer-out ANSWER")


async def fail_over_by_api(stage: Stage) -> None:
    """The app connects 210 with a number that the first carrier refuses; deleted by number."""
    a = stage.phone("210")
    a.answers_all()
    await stage.posts(["210"], [ELSEWHERE])
    await stage.passes(0.6)
    await stage.sees("they talk", f"out 210:5 > {ELSEWHERE}:5")
    await stage.deletes(number=ELSEWHERE)
    await stage.ends(f"out 210 > {ELSEWHERE}: answered, by api", t210="dial-out answer-out ANSWER")


async def two_publics_by_api(stage: Stage) -> None:
    """The app connects two public numbers, one over the second carrier; deleted by the first."""
    call = await stage.posts([MOBILE], [ELSEWHERE])
    await stage.passes(1.0)
    await stage.sees("they talk", f"out {MOBILE}:5 > {ELSEWHERE}:5")
    await stage.deletes(call_id=call)
    await stage.ends(
        f"out {MOBILE} > {ELSEWHERE}: answered, by api", t210="dial-out answer-out ANSWER"
    )


async def public_busy(stage: Stage) -> None:
    """210 dials a public number that is busy."""
    a = stage.phone("210")
    await a.dials(BUSY)
    await a.is_free()
    await stage.ends(f"out 210 > {BUSY}: busy, by destination", t210="dial-out BUSY")


async def public_given_up(stage: Stage) -> None:
    """210 dials a public number that rings, and gives up."""
    a = stage.phone("210")
    await a.dials(SILENT)
    await stage.passes(0.4)
    await stage.sees("it rings", f"out 210:4 > {SILENT}:3")
    await a.hangs_up()
    await stage.ends(f"out 210 > {SILENT}: no answer, by source", t210="dial-out CANCEL")


async def caller_with_a_name(stage: Stage) -> None:
    """Somebody known to the address book calls 211, which shows the name; the caller gives up."""
    b = stage.phone("211")
    await stage.calls_in("211", caller="493012345678")
    await b.rings()
    await stage.sees("211 rings", "in 493012345678:4 > 211:3")
    await stage.caller_hangs_up()
    await stage.told_of(
        "211", "dial-in", CallerIDNum="+493012345678", CallerIDName="VIP Muster GmbH"
    )
    await stage.ends("in 493012345678 > 211: no answer, by source", t211="dial-in CANCEL")


async def caller_on_the_road(stage: Stage) -> None:
    """Somebody outside calls 5550003999, dials 211 there; 211 picks up and hangs up."""
    b = stage.phone("211")
    await stage.calls_in("999", presses="211")
    await b.rings()
    await stage.sees("211 rings", f"in {CALLER}:4 > 211:3")
    await b.picks_up()
    await stage.sees("they talk", f"in {CALLER}:5 > 211:5")
    await b.hangs_up()
    await stage.ends(
        f"in {CALLER} > 211: answered, by destination", t211="dial-in answer-in ANSWER"
    )


async def caller_on_the_road_by_disa(stage: Stage) -> None:
    """Somebody outside calls 5550003998, where DISA() asks, dials 211; 211 picks up, hangs up."""
    b = stage.phone("211")
    await stage.calls_in("998", presses="211")
    await b.rings()
    await stage.sees("211 rings", f"in {CALLER}:4 > 211:3")
    await b.picks_up()
    await stage.sees("they talk", f"in {CALLER}:5 > 211:5")
    await b.hangs_up()
    await stage.ends(
        f"in {CALLER} > 211: answered, by destination", t211="dial-in answer-in ANSWER"
    )


async def mailbox_after_ringing(stage: Stage) -> None:
    """210 dials 213, which rings for 2 s; the mailbox answers; 210 speaks and hangs up."""
    a, d = stage.phone("210"), stage.phone("213")
    await a.dials("213")
    await d.rings()
    await stage.sees("213 rings", "local 210:4 > 213:3")
    await a.is_answered()
    await stage.sees("the mailbox listens", "local 210:5 > 213")
    await a.hangs_up()
    await stage.ends(
        "local 210 > 213: no answer, by source",
        t210="dial-out NOANSWER",
        t213="dial-in NOANSWER",
    )


async def mailbox_after_refusal(stage: Stage) -> None:
    """Somebody outside calls 213, which refuses; the mailbox answers; the caller hangs up."""
    d = stage.phone("213")
    await stage.calls_in("213")
    await d.refuses()
    await stage.passes(0.4)
    await stage.sees("the mailbox listens", f"in {CALLER}:5 > 5550003213")
    await stage.caller_hangs_up()
    await stage.ends(f"in {CALLER} > 213: busy, by source", t213="dial-in BUSY")


async def mailbox_of_a_ring_group(stage: Stage) -> None:
    """210 dials 606: 211 and 212 ring for 2 s, the mailbox answers; deleted by 210."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("606")
    await b.rings()
    await c.rings()
    await stage.sees("both ring", "local 210:4 > 211:3 212:3")
    await a.is_answered()
    await stage.sees("the mailbox listens", "local 210:5 > 606")
    await stage.deletes(extension="210")
    await stage.ends(
        "local 210 > 211 212: no answer, by api",
        t210="dial-out NOANSWER",
        t211="dial-in NOANSWER",
        t212="dial-in NOANSWER",
    )


async def mailbox_at_night(stage: Stage) -> None:
    """210 dials 611, which at night is a mailbox: no phone rings; 210 hangs up."""
    a = stage.phone("210")
    await a.dials("611")
    await a.is_answered()
    await stage.sees("the mailbox listens", "local 210:5 > 611")
    await a.hangs_up()
    await stage.ends("local 210 > 611: answered, by source", t210="dial-out answer-out ANSWER")
