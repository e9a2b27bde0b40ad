"""Queues of app_queue: with and without an answer first, agents as phones and behind Locals."""

from __future__ import annotations

from tests.office.stage import CALLER, Stage


async def queue_answering_first_phone_agent(stage: Stage) -> None:
    """210 dials 300, which answers; 211 (Local, /n) and 212 ring, 212 picks up; 210 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("300")
    await b.rings()
    await c.rings()
    await stage.sees("the agents ring", "local 210:4 > 211:3 212:3 300")
    await c.picks_up()
    await b.is_free()
    await stage.sees("they talk", "local 210:5 > 212:5 300")
    await a.hangs_up()
    await stage.ends(
        "local 210 > 211 212 300: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-in CANCEL",
        t212="dial-in answer-in ANSWER",
        t300="dial-in answer-in ANSWER",
    )


async def queue_answering_first_local_agent(stage: Stage) -> None:
    """210 dials 300, which answers; 211, behind a Local channel, picks up and hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("300")
    await c.rings()
    await b.picks_up()
    await c.is_free()
    await stage.sees("they talk", "local 210:5 > 211:5 300")
    await b.hangs_up()
    await stage.ends(
        "local 210 > 211 212 300: answered, by destination",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-in CANCEL",
        t300="dial-in answer-in ANSWER",
    )


async def queue_answering_first_given_up(stage: Stage) -> None:
    """Somebody outside calls 300, which answers; both agents ring; the caller gives up."""
    b, c = stage.phone("211"), stage.phone("212")
    await stage.calls_in("300")
    await b.rings()
    await c.rings()
    await stage.sees("the agents ring", f"in {CALLER}:4 > 211:3 212:3 300")
    await stage.caller_hangs_up()
    await stage.ends(
        f"in {CALLER} > 211 212 300: answered, by source",
        t211="dial-in CANCEL",
        t212="dial-in CANCEL",
        t300="dial-in answer-in ANSWER",
    )


async def queue_unanswered_agent_answers(stage: Stage) -> None:
    """210 dials 301, which does not answer first; both agents ring, 211 picks up, hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("301")
    await b.rings()
    await c.rings()
    await stage.sees("the agents ring", "local 210:4 > 211:3 212:3 301")
    await b.picks_up()
    await a.is_answered()
    await stage.sees("they talk", "local 210:5 > 211:5 301")
    await b.hangs_up()
    await stage.ends(
        "local 210 > 211 212 301: answered, by destination",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-in CANCEL",
        t301="dial-in answer-in ANSWER",
    )


async def queue_unanswered_caller_gives_up(stage: Stage) -> None:
    """210 dials 301; both agents ring; 210 gives up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("301")
    await b.rings()
    await c.rings()
    await stage.sees("the agents ring", "local 210:4 > 211:3 212:3 301")
    await a.hangs_up()
    await stage.ends(
        "local 210 > 211 212 301: no answer, by source",
        t210="dial-out CANCEL",
        t211="dial-in CANCEL",
        t212="dial-in CANCEL",
        t301="dial-in CANCEL",
    )


async def queue_agents_refuse_caller_gives_up(stage: Stage) -> None:
    """210 dials 301; both agents refuse, again and again; 210 gives up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    b.refuses_all()
    c.refuses_all()
    await a.dials("301")
    await stage.passes(1.5)
    await a.hangs_up()
    await stage.ends(
        "local 210 > 211 212 301: no answer, by source",
        t210="dial-out CANCEL",
        t211="dial-in dial-in BUSY",
        t212="dial-in dial-in BUSY",
        t301="dial-in CANCEL",
    )


async def queue_without_agents(stage: Stage) -> None:
    """210 dials 302, which lets nobody in."""
    a = stage.phone("210")
    await a.dials("302")
    await a.is_free()
    await stage.ends(
        "local 210 > 302: no answer, by pickup timeout",
        t210="dial-out NOANSWER",
        t302="dial-in NOANSWER",
    )


async def queue_local_agent_answers(stage: Stage) -> None:
    """210 dials 303, agents behind Local channels that are optimised away; 212 picks up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("303")
    await b.rings()
    await c.rings()
    await stage.sees("the agents ring", "local 210:4 > 211:3 212:3 303")
    await c.picks_up()
    await a.is_answered()
    await stage.sees("they talk", "local 210:5 > 212:5 303")
    await c.hangs_up()
    await stage.ends(
        "local 210 > 211 212 303: answered, by destination",
        t210="dial-out answer-out ANSWER",
        t211="dial-in CANCEL",
        t212="dial-in answer-in ANSWER",
        t303="dial-in answer-in ANSWER",
    )


async def queue_linear_second_agent(stage: Stage) -> None:
    """210 dials 304: 211 rings for 2 s, then 212, which picks up; 210 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("304")
    await b.rings()
    await stage.sees("the first rings", "local 210:4 > 211:3 304")
    await c.rings()
    await stage.sees("the second rings", "local 210:4 > 212:3 304")
    await c.picks_up()
    await a.is_answered()
    await stage.sees("they talk", "local 210:5 > 212:5 304")
    await a.hangs_up()
    await stage.ends(
        "local 210 > 211 212 304: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-in NOANSWER",
        t212="dial-in answer-in ANSWER",
        t304="dial-in answer-in ANSWER",
    )


async def queue_wrap_up_second_caller_waits(stage: Stage) -> None:
    """210 and 211 have talked by queue 305; 212 calls it at once and waits until 211 has written
    down what was said, then both talk; 212 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("305")
    await b.picks_up()
    await a.is_answered()
    await stage.sees("the first talks", "local 210:5 > 211:5 305")
    await a.hangs_up()
    await b.is_free()
    await c.dials("305")
    await b.rings()
    await stage.sees("the agent rings again", "local 212:4 > 211:3 305")
    await b.picks_up()
    await c.is_answered()
    await stage.sees("the second talks", "local 212:5 > 211:5 305")
    await c.hangs_up()
    await stage.ends(
        "local 210 > 211 305: answered, by source",
        "local 212 > 211 305: answered, by source",
        t210="dial-out answer-out ANSWER",
        t212="dial-out answer-out ANSWER",
        t211="dial-in dial-in answer-in answer-in ANSWER ANSWER",
        t305="dial-in dial-in answer-in answer-in ANSWER ANSWER",
    )


async def queue_gives_up_to_mailbox(stage: Stage) -> None:
    """Somebody outside calls 306: 211 does not answer, the mailbox does; the caller hangs up."""
    b = stage.phone("211")
    await stage.calls_in("306")
    await b.rings()
    await stage.sees("the agent rings", f"in {CALLER}:4 > 211:3 306")
    await b.is_free()
    await stage.passes(0.5)
    await stage.sees("the mailbox listens", f"in {CALLER}:5 > 306")
    await stage.caller_hangs_up()
    await stage.ends(
        f"in {CALLER} > 211 306: no answer, by source",
        t211="dial-in NOANSWER",
        t306="dial-in NOANSWER",
    )


async def queue_least_recent_local_agents(stage: Stage) -> None:
    """210 dials 307: one agent behind a Local channel after the other; 212 picks up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    b.refuses_all()
    await a.dials("307")
    await c.rings()
    await c.picks_up()
    await a.is_answered()
    await stage.sees("they talk", "local 210:5 > 212:5 307")
    await stage.deletes(extension="212")
    await stage.ends(
        "local 210 > 211 212 307: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-in BUSY",
        t212="dial-in answer-in ANSWER",
        t307="dial-in answer-in ANSWER",
    )


async def queue_by_api(stage: Stage) -> None:
    """The app connects 210 with the queue 303; 211, behind a Local, picks up; deleted by its id."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    a.answers_all()
    call = await stage.posts(["210"], ["303"])
    await c.rings()
    await stage.sees("the agents ring", "local 210:4 > 211:3 212:3 303:3")
    await b.picks_up()
    await c.is_free()
    await stage.sees("they talk", "local 210:5 > 211:5 303:5")
    await stage.deletes(call_id=call)
    await stage.ends(
        "local 210 > 211 212 303: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-in CANCEL",
        t303="dial-in answer-in ANSWER",
    )


async def queue_agent_transfers_blind(stage: Stage) -> None:
    """210 dials 301, 211 picks up and transfers 210 to 212, which picks up; 210 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("301")
    await c.rings()
    await b.picks_up()
    await a.is_answered()
    await stage.sees("they talk", "local 210:5 > 211:5 301")
    await b.transfers_to("212")
    await c.picks_up()
    await stage.sees("transferred", "local 210:5 > 212:5")
    await a.hangs_up()
    await stage.ends(
        "local 210 > 211 212 301: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-in dial-in answer-in ANSWER",
        t301="dial-in answer-in ANSWER",
    )


async def ivr_to_queue_to_agent(stage: Stage) -> None:
    """210 dials the IVR 400, presses 1; queue 301 rings 211 and 212; 212 picks up; 210 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("400")
    await a.is_answered()
    await stage.sees("the IVR asks", "local 210:5 > 400")
    await a.presses("1")
    await b.rings()
    await c.picks_up()
    await b.is_free()
    await stage.sees("they talk", "local 210:5 > 212:5")
    await a.hangs_up()
    await stage.ends(
        "local 210 > 211 212 400: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-in CANCEL",
        t212="dial-in answer-in ANSWER",
        t400="dial-in answer-in ANSWER",
    )


async def ivr_to_mailbox(stage: Stage) -> None:
    """210 dials the IVR 400, presses 3, speaks to the mailbox and hangs up."""
    a = stage.phone("210")
    await a.dials("400")
    await a.is_answered()
    await a.presses("3")
    await stage.passes(0.3)
    await stage.sees("the mailbox listens", "local 210:5 > 400")
    await a.hangs_up()
    await stage.ends(
        "local 210 > 400: answered, by source",
        t210="dial-out answer-out ANSWER",
        t400="dial-in answer-in ANSWER",
    )


async def conference_of_three(stage: Stage) -> None:
    """210 and 211 are in the conference; the app deletes by 211; then 210 hangs up."""
    a, b = stage.phone("210"), stage.phone("211")
    await a.dials("500")
    await a.is_answered()
    await b.dials("500")
    await b.is_answered()
    await stage.passes(0.5)
    await stage.sees("both are in it", "local 210:5 > 500", "local 211:5 > 500")
    await stage.deletes(extension="211")
    await stage.sees("one is left", "local 210:5 > 500")
    await a.hangs_up()
    await stage.ends(
        "local 210 > 500: answered, by source",
        "local 211 > 500: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-out answer-out ANSWER",
        t500="dial-in dial-in answer-in answer-in ANSWER ANSWER",
    )
