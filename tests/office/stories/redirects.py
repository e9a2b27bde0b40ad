"""An AMI client of somebody else moves parties into conferences, and out of them and of IVRs."""

from __future__ import annotations

from tests.office.redirecting import redirect_both
from tests.office.stage import Stage


async def _moves(stage: Stage, channel: str, exten: str) -> None:
    await stage.crm("Redirect", Channel=channel, Context="from-internal", Exten=exten, Priority="1")


async def moved_out_of_a_conference(stage: Stage) -> None:
    """210, 211 are in the conference; a CRM moves 210 to 212; deleted by its number."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("500")
    await a.is_answered()
    await b.dials("500")
    await b.is_answered()
    await stage.passes(0.5)
    await _moves(stage, "@210", "212")
    await c.rings()
    await stage.sees("212 rings", "local 210:4 > 212:3", "local 211:5 > 500")
    await c.picks_up()
    await stage.sees("210 and 212 talk", "local 210:5 > 212:5", "local 211:5 > 500")
    await stage.deletes(number="500")
    await b.is_free()
    await stage.sees("211 is out", "local 210:5 > 212:5")
    await c.hangs_up()
    await stage.ends(
        "local 210 > 212 500: answered, by destination",
        "local 211 > 500: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-out answer-out ANSWER",
        t212="dial-in answer-in ANSWER",
        t500="dial-in dial-in answer-in answer-in ANSWER ANSWER",
    )


async def moved_out_of_a_conference_to_an_echo(stage: Stage) -> None:
    """210, 211 are in the conference; a CRM lets 210 hear an echo; deleted by the conference's
    number; 210 hangs up."""
    a, b = stage.phone("210"), stage.phone("211")
    await a.dials("500")
    await a.is_answered()
    await b.dials("500")
    await b.is_answered()
    await stage.passes(0.5)
    await _moves(stage, "@210", "00")
    await stage.passes(0.5)
    await stage.sees("210 hears the echo", "local 210:5 > 00", "local 211:5 > 500")
    await stage.deletes(number="500")
    await b.is_free()
    await stage.sees("211 is out", "local 210:5 > 00")
    await a.hangs_up()
    await stage.ends(
        "local 210 > 500: answered, by source",
        "local 211 > 500: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-out answer-out ANSWER",
        t500="dial-in dial-in answer-in answer-in ANSWER ANSWER",
    )


async def moved_out_of_a_conference_and_back(stage: Stage) -> None:
    """210 is in the conference; a CRM moves it to an echo and back; deleted by its number."""
    a = stage.phone("210")
    await a.dials("500")
    await a.is_answered()
    await stage.passes(0.5)
    await _moves(stage, "@210", "00")
    await stage.passes(0.5)
    await stage.sees("210 hears the echo", "local 210:5 > 00")
    await _moves(stage, "@210 alone", "500")
    await stage.passes(0.5)
    await stage.sees("it is back", "local 210:5 > 500")
    await stage.deletes(number="500")
    await stage.ends(
        "local 210 > 500: answered, by api",
        t210="dial-out answer-out ANSWER",
        t500="dial-in answer-in ANSWER",
    )


async def moved_out_of_an_ivr(stage: Stage) -> None:
    """210 and 211 hear the IVR; a CRM moves 210 to 212, which picks up; deleted by the number of
    the IVR; 210 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("400")
    await a.is_answered()
    await b.dials("400")
    await b.is_answered()
    await stage.sees("the IVR asks", "local 210:5 > 400", "local 211:5 > 400")
    await _moves(stage, "@210 alone", "212")
    await c.picks_up()
    await stage.sees("210 and 212 talk", "local 210:5 > 212:5", "local 211:5 > 400")
    await stage.deletes(number="400")
    await b.is_free()
    await stage.sees("211 is out", "local 210:5 > 212:5")
    await a.hangs_up()
    await stage.ends(
        "local 210 > 212 400: answered, by source",
        "local 211 > 400: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-out answer-out ANSWER",
        t212="dial-in answer-in ANSWER",
        t400="dial-in dial-in answer-in answer-in ANSWER ANSWER",
    )


async def moved_from_an_ivr_into_a_conference(stage: Stage) -> None:
    """210 hears the IVR; a CRM moves it into the conference; deleted by the conference's number."""
    a = stage.phone("210")
    await a.dials("400")
    await a.is_answered()
    await stage.sees("the IVR asks", "local 210:5 > 400")
    await _moves(stage, "@210 alone", "500")
    await stage.passes(0.5)
    await stage.sees("it is in the conference", "local 210:5 > 500:5")
    await stage.deletes(number="500")
    await stage.ends(
        "local 210 > 400 500: answered, by api",
        t210="dial-out answer-out ANSWER",
        t400="dial-in answer-in ANSWER",
        t500="dial-in answer-in ANSWER",
    )


async def caller_moved_into_a_conference(stage: Stage) -> None:
    """210 and 211 talk; a CRM moves 210 into the conference; deleted by the conference's number."""
    a, b = stage.phone("210"), stage.phone("211")
    await a.dials("211")
    await b.picks_up()
    await a.is_answered()
    await _moves(stage, "@210", "500")
    await b.is_free()
    await stage.passes(0.5)
    await stage.sees("210 is in the conference", "local 210:5 > 500:5")
    await stage.deletes(number="500")
    await stage.ends(
        "local 210 > 211 500: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t500="dial-in answer-in ANSWER",
    )


async def called_moved_into_a_conference(stage: Stage) -> None:
    """210 and 211 talk; a CRM moves 211 into the conference; deleted by the conference's number."""
    a, b = stage.phone("210"), stage.phone("211")
    await a.dials("211")
    await b.picks_up()
    await a.is_answered()
    await _moves(stage, "@211", "500")
    await a.is_free()
    await stage.passes(0.5)
    await stage.sees("211 is in the conference", "local 211:5 > 500:5")
    await stage.deletes(number="500")
    await stage.ends(
        "local 210 211 > 500: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t500="dial-in answer-in ANSWER",
    )


async def both_moved_into_a_conference(stage: Stage) -> None:
    """210 and 211 talk; a CRM moves both into the conference; 210 leaves; deleted by its number."""
    a, b = stage.phone("210"), stage.phone("211")
    await a.dials("211")
    await b.picks_up()
    await a.is_answered()
    await redirect_both(stage, ("@210", "500"), ("@211", "500"))
    await stage.passes(0.8)
    await stage.sees("both are in the conference", "local 210:5 > 211:5 500:5")
    await a.hangs_up()
    await stage.passes(0.3)
    await stage.sees("211 is left", "local 211:5 > 500:5")
    await stage.deletes(number="500")
    await stage.ends(
        "local 210 211 > 500: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t500="dial-in answer-in ANSWER",
    )


async def both_moved_out_of_a_conference_again(stage: Stage) -> None:
    """210 and 211 talk; a CRM moves both into the conference, 210 on to 212; 211 hangs up; 210 is
    not found by the conference's number any more; 212 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("211")
    await b.picks_up()
    await a.is_answered()
    await redirect_both(stage, ("@210", "500"), ("@211", "500"))
    await stage.passes(0.8)
    await stage.sees("both are in the conference", "local 210:5 > 211:5 500:5")
    await _moves(stage, "@210", "212")
    await c.picks_up()
    await stage.sees("they talk, 211 confers", "local 210:5 > 212:5", "local 211:5 > 500:5")
    await b.hangs_up()
    await b.is_free()
    await stage.sees("210 and 212 talk", "local 210:5 > 212:5")
    await c.hangs_up()
    await stage.ends(
        "local 210 > 211 212 500: answered, by destination",
        "local 211 > 500: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-in answer-in ANSWER",
        t500="dial-in answer-in ANSWER",
    )


async def api_call_moved_into_a_conference(stage: Stage) -> None:
    """The app connects 210 with 211; a CRM moves both to the conference; deleted by its number."""
    a, b = stage.phone("210"), stage.phone("211")
    a.answers_all()
    await stage.posts(["210"], ["211"])
    await b.picks_up()
    await stage.sees("they talk", "local 210:5 > 211:5")
    await redirect_both(stage, ("@210", "500"), ("@211", "500"))
    await stage.passes(0.8)
    await stage.sees("both are in the conference", "local 210:5 > 211:5 500:5")
    await stage.deletes(number="500")
    await stage.ends(
        "local 210 > 211 500: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t500="dial-in answer-in ANSWER",
    )


async def called_of_api_call_moved_into_a_conference(stage: Stage) -> None:
    """The app connects 210 with 211; a CRM moves 211 into the conference; deleted by its number."""
    a, b = stage.phone("210"), stage.phone("211")
    a.answers_all()
    await stage.posts(["210"], ["211"])
    await b.picks_up()
    await stage.sees("they talk", "local 210:5 > 211:5")
    await _moves(stage, "@211", "500")
    await a.is_free()
    await stage.passes(0.5)
    await stage.sees("211 is in the conference", "local 211:5 > 500:5")
    await stage.deletes(number="500")
    await stage.ends(
        "local 210 211 > 500: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t500="dial-in answer-in ANSWER",
    )


async def outside_call_moved_into_a_conference(stage: Stage) -> None:
    """Somebody outside calls ring group 601, 212 picks up; a CRM moves the caller into the
    conference; deleted by its number."""
    b, c = stage.phone("211"), stage.phone("212")
    await stage.calls_in("601")
    await b.rings()
    await c.picks_up()
    await b.is_free()
    await stage.sees("they talk", "in 3235550100:5 > 212:5")
    await _moves(stage, "@public", "500")
    await c.is_free()
    await stage.passes(0.5)
    await stage.sees("the caller is in the conference", "in 3235550100:5 > 500:5")
    await stage.deletes(number="500")
    await stage.ends(
        "in 3235550100 > 211 212 500: answered, by api",
        t211="dial-in CANCEL",
        t212="dial-in answer-in ANSWER",
        t500="dial-in answer-in ANSWER",
    )


async def click_into_a_conference(stage: Stage) -> None:
    """A CRM calls 210 and brings it into the conference; deleted by the conference's number."""
    a = stage.phone("210")
    await stage.crm(
        "Originate",
        Channel="PJSIP/210",
        Context="from-internal",
        Exten="500",
        Priority="1",
        Async="true",
    )
    await a.picks_up()
    await stage.passes(0.5)
    await stage.sees("it is in the conference", "local 210:5 > 500")
    await stage.deletes(number="500")
    await stage.ends(
        "local 210 > 500: answered, by api",
        t210="dial-out answer-out ANSWER",
        t500="dial-in answer-in ANSWER",
    )
