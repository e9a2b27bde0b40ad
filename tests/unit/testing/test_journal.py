"""The journal of a test has all that was observed, in order of time."""

from __future__ import annotations

from bridge.testing.journal import Journal, Observation, Source


def seen(at_ms: float, text: str) -> Observation:
    return Observation(at_ms, Source.SIP, "0003*210", "sent", text, peer="pbx")


def test_given_several_sources_when_read_then_they_are_on_one_time_axis() -> None:
    journal = Journal(began_ms=1000)
    phone = [seen(1500, "INVITE"), seen(999, "REGISTER")]
    journal.note(seen(1600, "BYE"))
    journal.follow(lambda: phone)
    phone.append(seen(1400, "OPTIONS"))

    assert [x.text for x in journal.observations()] == ["OPTIONS", "INVITE", "BYE"]


def test_given_an_observation_when_shown_then_it_is_one_line_with_its_time() -> None:
    journal = Journal(began_ms=1000)
    journal.note(seen(1500, "INVITE"))
    journal.note(Observation(1501, Source.SIP, "a", "received", "200", peer="pbx", outgoing=False))
    journal.note(Observation(1502, Source.TEST, "test", "step", "waits"))

    assert journal.text().splitlines() == [
        "   0.500 sip     0003*210 > pbx sent: INVITE",
        "   0.501 sip     a < pbx received: 200",
        "   0.502 test    test step: waits",
    ]
    assert journal.text(last=1).endswith("waits")


def test_given_a_step_of_the_test_when_noted_then_it_has_the_time_of_now() -> None:
    journal = Journal()
    journal.step("places a call", call_id="abc")

    [step] = journal.observations()
    assert (step.source, step.kind, step.call_id) == (Source.TEST, "step", "abc")
