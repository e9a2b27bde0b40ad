"""An AMI client of somebody else moves parties out of queues, and out of talks to services."""

from __future__ import annotations

from tests.office.stage import CALLER, Stage


async def _moves(stage: Stage, channel: str, exten: str) -> None:
    await stage.crm("Redirect", Channel=channel, Context="from-internal", Exten=exten, Priority="1")


async def caller_moved_out_of_a_queue(stage: Stage) -> None:
    """210 waits in queue 301, a CRM moves it to 213, which picks up; 214 waits in the queue, is
    deleted by the queue's number; 210 hangs up."""
    a, b, d, e = (stage.phone(x) for x in ("210", "211", "213", "214"))
    await a.dials("301")
    await b.rings()
    await stage.passes(0.3)
    await _moves(stage, "@210", "213")
    await b.is_free()
    await d.picks_up()
    await a.is_answered()
    await e.dials("301")
    await b.rings()
    await stage.sees("210 and 213 talk", "local 210:5 > 213:5", "local 214:4 > 211:3 212:3 301")
    await stage.deletes(number="301")
    await e.is_free()
    await stage.sees("214 is out", "local 210:5 > 213:5")
    await a.hangs_up()
    await stage.ends(
        "local 210 > 211 212 213 301: answered, by source",
        "local 214 > 211 212 301: no answer, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-in dial-in CANCEL CANCEL",
        t212="dial-in dial-in CANCEL CANCEL",
        t213="dial-in answer-in ANSWER",
        t214="dial-out CANCEL",
        t301="dial-in dial-in answer-in ANSWER CANCEL",
    )


async def caller_moved_out_of_a_queue_to_an_echo(stage: Stage) -> None:
    """Somebody outside waits in queue 303, whose agents are behind Local channels; a CRM lets the
    caller hear an echo; deleted by the number of that."""
    b = stage.phone("211")
    await stage.calls_in("303")
    await b.rings()
    await stage.passes(0.3)
    await _moves(stage, "@public", "00")
    await b.is_free()
    await stage.sees("the caller hears the echo", f"in {CALLER}:5 > 00")
    await stage.deletes(number="00")
    await stage.ends(
        f"in {CALLER} > 211 212 303: no answer, by api",
        t211="dial-in NOANSWER",
        t212="dial-in NOANSWER",
        t303="dial-in NOANSWER",
    )


async def caller_moved_out_of_a_queue_without_free_agents(stage: Stage) -> None:
    """211 talks to 213. 210 waits in queue 308, whose only agent is 211; a CRM moves 210 to 212,
    which picks up; 210 hangs up, and 211."""
    a, b, c, d = (stage.phone(x) for x in ("210", "211", "212", "213"))
    await b.dials("213")
    await d.picks_up()
    await b.is_answered()
    await a.dials("308")
    await stage.sees("210 waits", "local 210:1 > 308", "local 211:5 > 213:5")
    await _moves(stage, "@210 alone", "212")
    await c.picks_up()
    await a.is_answered()
    await stage.sees("210 and 212 talk", "local 210:5 > 212:5", "local 211:5 > 213:5")
    await a.hangs_up()
    await c.is_free()
    await b.hangs_up()
    await stage.ends(
        "local 210 > 212 308: answered, by source",
        "local 211 > 213: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-out answer-out ANSWER",
        t212="dial-in answer-in ANSWER",
        t213="dial-in answer-in ANSWER",
        t308="dial-in answer-in ANSWER",
    )


async def caller_moved_from_one_queue_to_another(stage: Stage) -> None:
    """210 waits in queue 304, a CRM moves it to queue 305; the agent 211 picks up; deleted by the
    number of that queue."""
    a, b = stage.phone("210"), stage.phone("211")
    await a.dials("304")
    await b.rings()
    await stage.passes(0.3)
    await _moves(stage, "@210", "305")
    await stage.passes(0.5)
    await b.picks_up()
    await a.is_answered()
    await stage.sees("210 talks to the agent", "local 210:5 > 211:5 305:5")
    await stage.deletes(number="305")
    await stage.ends(
        "local 210 > 211 304 305: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-in dial-in answer-in ANSWER",
        t304="dial-in answer-in ANSWER",
        t305="dial-in answer-in ANSWER",
    )


async def caller_moved_from_an_agent(stage: Stage) -> None:
    """210 talks to the agent 211 of queue 301; a CRM lets 210 hear an echo; deleted by its
    number."""
    a, b = stage.phone("210"), stage.phone("211")
    await a.dials("301")
    await b.picks_up()
    await a.is_answered()
    await stage.sees("they talk", "local 210:5 > 211:5 301")
    await _moves(stage, "@210", "00")
    await b.is_free()
    await stage.passes(0.5)
    await stage.sees("210 hears the echo", "local 210:5 > 00")
    await stage.deletes(number="00")
    await stage.ends(
        "local 210 > 211 212 301: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-in CANCEL",
        t301="dial-in answer-in ANSWER",
    )


async def caller_moved_to_an_echo(stage: Stage) -> None:
    """210 and 211 talk; a CRM lets 210 hear an echo; 210 hangs up."""
    a, b = stage.phone("210"), stage.phone("211")
    await a.dials("211")
    await b.picks_up()
    await a.is_answered()
    await _moves(stage, "@210", "00")
    await b.is_free()
    await stage.passes(0.5)
    await stage.sees("210 hears the echo", "local 210:5 > 00")
    await a.hangs_up()
    await stage.ends(
        "local 210 > 211: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
    )


async def called_moved_to_an_ivr(stage: Stage) -> None:
    """210 and 211 talk; a CRM moves 211 to the IVR 400; 211 hangs up.

    The IVR waits at the extension `s`, so nothing that the PBX says names it.
    """
    a, b = stage.phone("210"), stage.phone("211")
    await a.dials("211")
    await b.picks_up()
    await a.is_answered()
    await _moves(stage, "@211", "400")
    await a.is_free()
    await stage.passes(0.5)
    await stage.sees("211 hears the IVR", "local 211:5 > -")
    await b.hangs_up()
    await stage.ends(
        "local 210 211 > 211: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
    )
