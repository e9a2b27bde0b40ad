"""Ring groups, hunt groups, follow-me and time conditions: phones behind Local channels."""

from __future__ import annotations

from tests.office.stage import CALLER, MOBILE, Stage


async def group_local_second_answers(stage: Stage) -> None:
    """210 dials 600, a group of Local channels; 211 and 212 ring, 212 picks up; 210 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("600")
    await b.rings()
    await c.rings()
    await stage.sees("both ring", "local 210:4 > 211:3 212:3")
    await c.picks_up()
    await a.is_answered()
    await stage.sees("they talk", "local 210:5 > 212:5")
    await a.hangs_up()
    await stage.ends(
        "local 210 > 211 212: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-in CANCEL",
        t212="dial-in answer-in ANSWER",
    )


async def group_local_staying_deleted(stage: Stage) -> None:
    """210 dials 601, whose Local channels stay (/n); 211 picks up; the app deletes by 211."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("601")
    await c.rings()
    await b.rings()
    await stage.sees("both ring", "local 210:4 > 211:3 212:3")
    await b.picks_up()
    await a.is_answered()
    await stage.sees("they talk", "local 210:5 > 211:5")
    await stage.deletes(extension="211")
    await stage.ends(
        "local 210 > 211 212: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-in CANCEL",
    )


async def group_local_destination_hangs_up(stage: Stage) -> None:
    """210 dials 600; 211 picks up and hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("600")
    await c.rings()
    await b.picks_up()
    await a.is_answered()
    await stage.sees("they talk", "local 210:5 > 211:5")
    await b.hangs_up()
    await stage.ends(
        "local 210 > 211 212: answered, by destination",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-in CANCEL",
    )


async def group_mixed_local_answers(stage: Stage) -> None:
    """210 dials 603, a phone and a Local channel; 212, behind the Local, picks up and hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("603")
    await b.rings()
    await c.rings()
    await stage.sees("both ring", "local 210:4 > 211:3 212:3")
    await c.picks_up()
    await a.is_answered()
    await stage.sees("they talk", "local 210:5 > 212:5")
    await c.hangs_up()
    await stage.ends(
        "local 210 > 211 212: answered, by destination",
        t210="dial-out answer-out ANSWER",
        t211="dial-in CANCEL",
        t212="dial-in answer-in ANSWER",
    )


async def group_one_refuses_one_answers(stage: Stage) -> None:
    """210 dials 600; 211 refuses, 212 picks up; 210 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("600")
    await c.rings()
    await b.refuses()
    await stage.sees("one rings", "local 210:4 > 212:3")
    await c.picks_up()
    await a.is_answered()
    await stage.sees("they talk", "local 210:5 > 212:5")
    await a.hangs_up()
    await stage.ends(
        "local 210 > 211 212: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-in BUSY",
        t212="dial-in answer-in ANSWER",
    )


async def group_all_refuse(stage: Stage) -> None:
    """210 dials 600; 211 and 212 refuse."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    b.refuses_all()
    c.refuses_all()
    await a.dials("600")
    await a.is_free()
    await stage.ends(
        "local 210 > 211 212: busy, by destination",
        t210="dial-out BUSY",
        t211="dial-in BUSY",
        t212="dial-in BUSY",
    )


async def group_caller_gives_up(stage: Stage) -> None:
    """210 dials 601; 211 and 212 ring; 210 gives up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("601")
    await b.rings()
    await c.rings()
    await stage.sees("both ring", "local 210:4 > 211:3 212:3")
    await a.hangs_up()
    await stage.ends(
        "local 210 > 211 212: no answer, by source",
        t210="dial-out CANCEL",
        t211="dial-in CANCEL",
        t212="dial-in CANCEL",
    )


async def group_deleted_while_ringing(stage: Stage) -> None:
    """210 dials 600; 211 and 212 ring; the app deletes by 212."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("600")
    await b.rings()
    await c.rings()
    await stage.sees("both ring", "local 210:4 > 211:3 212:3")
    await stage.deletes(extension="212")
    await stage.ends(
        "local 210 > 211 212: no answer, by api",
        t210="dial-out CANCEL",
        t211="dial-in CANCEL",
        t212="dial-in CANCEL",
    )


async def group_from_trunk(stage: Stage) -> None:
    """Somebody outside calls the group 600; 212 picks up; the caller hangs up."""
    b, c = stage.phone("211"), stage.phone("212")
    await stage.calls_in("600")
    await b.rings()
    await c.rings()
    await stage.sees("both ring", f"in {CALLER}:4 > 211:3 212:3")
    await c.picks_up()
    await stage.sees("they talk", f"in {CALLER}:5 > 212:5")
    await stage.caller_hangs_up()
    await stage.ends(
        f"in {CALLER} > 211 212: answered, by source",
        t211="dial-in CANCEL",
        t212="dial-in answer-in ANSWER",
    )


async def forwarded_by_the_dialplan(stage: Stage) -> None:
    """210 dials 218, whose calls go on to 212 by a Local channel; the app deletes by 210."""
    a, c = stage.phone("210"), stage.phone("212")
    await a.dials("218")
    await c.rings()
    await stage.sees("212 rings", "local 210:4 > 212:3")
    await c.picks_up()
    await a.is_answered()
    await stage.sees("they talk", "local 210:5 > 212:5")
    await stage.deletes(extension="210")
    await stage.ends(
        "local 210 > 212: answered, by api",
        t210="dial-out answer-out ANSWER",
        t212="dial-in answer-in ANSWER",
    )


async def group_in_a_group(stage: Stage) -> None:
    """210 dials 630, a Local channel to the group 600; 211 picks up; 210 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("630")
    await b.rings()
    await c.rings()
    await stage.sees("both ring", "local 210:4 > 211:3 212:3")
    await b.picks_up()
    await a.is_answered()
    await stage.sees("they talk", "local 210:5 > 211:5")
    await a.hangs_up()
    await stage.ends(
        "local 210 > 211 212: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-in CANCEL",
    )


async def group_in_a_group_staying(stage: Stage) -> None:
    """210 dials 631: two Local channels that stay, one behind the other; 212 picks up, hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("631")
    await b.rings()
    await c.rings()
    await stage.sees("both ring", "local 210:4 > 211:3 212:3")
    await c.picks_up()
    await a.is_answered()
    await stage.sees("they talk", "local 210:5 > 212:5")
    await c.hangs_up()
    await stage.ends(
        "local 210 > 211 212: answered, by destination",
        t210="dial-out answer-out ANSWER",
        t211="dial-in CANCEL",
        t212="dial-in answer-in ANSWER",
    )


async def hunt_local_second_answers(stage: Stage) -> None:
    """210 dials 602: 211 rings for 2 s, then 212, which picks up; 210 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("602")
    await b.rings()
    await stage.sees("the first rings", "local 210:4 > 211:3")
    await c.rings()
    await stage.sees("the second rings", "local 210:4 > 212:3")
    await c.picks_up()
    await a.is_answered()
    await stage.sees("they talk", "local 210:5 > 212:5")
    await a.hangs_up()
    await stage.ends(
        "local 210 > 211 212: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-in NOANSWER",
        t212="dial-in answer-in ANSWER",
    )


async def hunt_caller_gives_up_at_second(stage: Stage) -> None:
    """210 dials 607: 211 rings for 2 s, then 212; 210 gives up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("607")
    await b.rings()
    await c.rings()
    await stage.sees("the second rings", "local 210:4 > 212:3")
    await a.hangs_up()
    await stage.ends(
        "local 210 > 211 212: no answer, by source",
        t210="dial-out CANCEL",
        t211="dial-in NOANSWER",
        t212="dial-in CANCEL",
    )


async def hunt_first_refuses(stage: Stage) -> None:
    """210 dials 607: 211 refuses, 212 picks up; 212 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("607")
    await b.refuses()
    await c.rings()
    await stage.sees("the second rings", "local 210:4 > 212:3")
    await c.picks_up()
    await a.is_answered()
    await stage.sees("they talk", "local 210:5 > 212:5")
    await c.hangs_up()
    await stage.ends(
        "local 210 > 211 212: answered, by destination",
        t210="dial-out answer-out ANSWER",
        t211="dial-in BUSY",
        t212="dial-in answer-in ANSWER",
    )


async def follow_me_to_the_mobile(stage: Stage) -> None:
    """Somebody outside calls 604: 210 rings unanswered, then 211 and a mobile, which answers."""
    a = stage.phone("210")
    await stage.calls_in("604")
    await a.rings()
    await stage.sees("the desk rings", f"in {CALLER}:4 > 210:3")
    await a.is_free()
    await stage.sees("the mobile talks", f"in {CALLER}:5 > {MOBILE}:5")
    await stage.caller_hangs_up()
    await stage.ends(
        f"in {CALLER} > 210 211 {MOBILE}: answered, by source",
        t210="dial-in NOANSWER",
        t211="dial-in CANCEL",
    )


async def follow_me_that_is_accepted(stage: Stage) -> None:
    """210 dials 614, FollowMe() of 211 and 212; 212 picks up, and presses 1; 210 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("614")
    await b.rings()
    await c.rings()
    await stage.sees("both ring", "local 210:4 > 211:3 212:3")
    await c.picks_up()
    await stage.passes(2.0)
    # It is asked whether it takes the call; 210 still hears it ring.
    await stage.sees("212 is asked", "local 210:4 > 211:3 212:5")
    await c.presses("1")
    await a.is_answered()
    await b.is_free()
    await stage.sees("they talk", "local 210:5 > 212:5")
    await a.hangs_up()
    await stage.ends(
        "local 210 > 211 212: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-in CANCEL",
        t212="dial-in answer-in ANSWER",
    )


async def follow_me_one_after_the_other(stage: Stage) -> None:
    """210 dials 615, FollowMe() of 211 for 2 s, then of 212, which takes the call; 212 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("615")
    await b.rings()
    await stage.sees("211 rings", "local 210:4 > 211:3")
    await c.rings()
    await b.is_free()
    await stage.sees("212 rings", "local 210:4 > 212:3")
    await c.picks_up()
    await stage.passes(2.0)
    await c.presses("1")
    await a.is_answered()
    await stage.sees("they talk", "local 210:5 > 212:5")
    await c.hangs_up()
    await stage.ends(
        "local 210 > 211 212: answered, by destination",
        t210="dial-out answer-out ANSWER",
        t211="dial-in NOANSWER",
        t212="dial-in answer-in ANSWER",
    )


async def follow_me_to_the_mailbox(stage: Stage) -> None:
    """210 dials 616, FollowMe() of 211 for 2 s; nobody picks up; the mailbox answers; deleted."""
    a, b = stage.phone("210"), stage.phone("211")
    await a.dials("616")
    await b.rings()
    await stage.sees("211 rings", "local 210:4 > 211:3")
    await a.is_answered()
    await b.is_free()
    await stage.sees("the mailbox listens", "local 210:5 > 616")
    await stage.deletes(number="616")
    await stage.ends(
        "local 210 > 211: no answer, by api", t210="dial-out NOANSWER", t211="dial-in NOANSWER"
    )


async def time_condition_day(stage: Stage) -> None:
    """210 dials 610, a time condition before the group 600; 212 picks up; 210 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("610")
    await b.rings()
    await c.rings()
    await stage.sees("both ring", "local 210:4 > 211:3 212:3")
    await c.picks_up()
    await a.is_answered()
    await stage.sees("they talk", "local 210:5 > 212:5")
    await a.hangs_up()
    await stage.ends(
        "local 210 > 211 212: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-in CANCEL",
        t212="dial-in answer-in ANSWER",
    )


async def announcement_before_the_phone(stage: Stage) -> None:
    """Somebody outside calls 612, hears a second of announcement; 211 rings and picks up."""
    b = stage.phone("211")
    await stage.calls_in("612")
    await b.rings()
    await stage.sees("211 rings", f"in {CALLER}:4 > 211:3")
    await b.picks_up()
    await stage.sees("they talk", f"in {CALLER}:5 > 211:5")
    await b.hangs_up()
    await stage.ends(
        f"in {CALLER} > 211: answered, by destination", t211="dial-in answer-in ANSWER"
    )


async def do_not_disturb(stage: Stage) -> None:
    """210 dials 219, of which the dialplan says that it is busy: no phone rings."""
    a = stage.phone("210")
    await a.dials("219")
    await a.is_free()
    await stage.ends("local 210 > 219: busy, by pbx", t210="dial-out BUSY")


async def page_of_two(stage: Stage) -> None:
    """210 pages 211 and 212 (620), which answer by themselves; 210 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    b.answers_all()
    c.answers_all()
    await a.dials("620")
    await a.is_answered()
    await stage.sees("both listen", "local 210:5 > 211:5 212:5")
    await a.hangs_up()
    await stage.ends(
        "local 210 > 211 212: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-in answer-in ANSWER",
    )


async def page_of_two_local(stage: Stage) -> None:
    """210 pages 211 and 212 through Local channels (621); 210 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    b.answers_all()
    c.answers_all()
    await a.dials("621")
    await a.is_answered()
    await stage.sees("both listen", "local 210:5 > 211:5 212:5")
    await a.hangs_up()
    await stage.ends(
        "local 210 > 211 212: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-in answer-in ANSWER",
    )


async def intercom(stage: Stage) -> None:
    """210 dials *80211: 211 answers by itself; 211 hangs up."""
    a, b = stage.phone("210"), stage.phone("211")
    b.answers_all()
    await a.dials("*80211")
    await a.is_answered()
    await stage.sees("they talk", "local 210:5 > 211:5")
    await b.hangs_up()
    await stage.ends(
        "local 210 > 211: answered, by destination",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
    )
