"""The office's own mailboxes (app_voicemail): the call says what took it."""

from __future__ import annotations

from tests.office.stage import CALLER, Stage


async def voicemail_after_ringing(stage: Stage) -> None:
    """Somebody outside calls 213, which rings for 2 s; its mailbox answers; the caller hangs up."""
    d = stage.phone("213")
    await stage.calls_in("213")
    await d.rings()
    await d.is_free()
    await stage.passes(0.3)
    await stage.taken_by("the mailbox listens", "voicemail")
    await stage.caller_hangs_up()
    await stage.ends(f"in {CALLER} > 213: no answer, by source", t213="dial-in NOANSWER")


async def voicemail_at_night(stage: Stage) -> None:
    """210 dials 611, which at night is a mailbox: no phone rings; 210 hangs up."""
    a = stage.phone("210")
    await a.dials("611")
    await a.is_answered()
    await stage.passes(0.3)
    await stage.taken_by("the mailbox listens", "voicemail")
    await a.hangs_up()
    await stage.ends("local 210 > 611: answered, by source", t210="dial-out answer-out ANSWER")


async def voicemail_of_click(stage: Stage) -> None:
    """A CRM calls Local/210 and then 606: 211 and 212 ring, the mailbox answers; 210 hangs up."""
    a, b = stage.phone("210"), stage.phone("211")
    await stage.crm(
        "Originate",
        Channel="Local/210@from-internal",
        Context="from-internal",
        Exten="606",
        Priority="1",
        Async="true",
    )
    await a.picks_up()
    await b.rings()
    await b.is_free()
    await stage.passes(0.3)
    await stage.taken_by("the mailbox listens", "voicemail")
    await a.hangs_up()
    await stage.ends(
        "local 210 > 211 212: no answer, by source",
        t210="dial-out NOANSWER",
        t211="dial-in NOANSWER",
        t212="dial-in NOANSWER",
    )


async def voicemail_of_called_moved_there(stage: Stage) -> None:
    """The app connects 210 with 211; a CRM moves 211 to a mailbox; 211 hangs up."""
    a, b = stage.phone("210"), stage.phone("211")
    a.answers_all()
    await stage.posts(["210"], ["211"])
    await b.picks_up()
    await stage.sees("they talk", "local 210:5 > 211:5")
    await stage.crm("Redirect", Channel="@211", Context="mailbox", Exten="213", Priority="1")
    await a.is_free()
    await stage.passes(0.3)
    await stage.taken_by("211 hears the mailbox", "voicemail")
    await b.hangs_up()
    await stage.ends(
        "local 210 > 211: answered, by destination",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
    )
