"""Names for tests that use the kit: behaviours of phones, and types of the fixtures.

`from bridge.testing.kit import answers, refuses`
"""

from bridge.testing.event_receiver import CallEvent, EventReceiver, Subscription
from bridge.testing.expecting import FlowFailure
from bridge.testing.followed_call import FollowedCall
from bridge.testing.journal import Journal, Observation, Source
from bridge.testing.observed_api import MakeClient, ObservedApi
from bridge.testing.observed_phone import ObservedPhone
from bridge.testing.phones_of_a_test import MakePhone, MakeScripted
from bridge.testing.public_number import MakePublicNumber, NumberBehaviour, PublicNumber
from bridge.testing.recordings import Recording, Recordings
from bridge.testing.softphones.phone_script import (
    PhoneScript,
    answers_after_cancel,
    hangs_up_at_the_same_time,
    never_acknowledges,
    progress_then_refuses,
    session_timers,
    waits,
    with_headers,
)
from bridge.testing.softphones.plain_call import PlainCall
from bridge.testing.softphones.scripted_phone import ScriptedPhone
from bridge.testing.softphones.sipp_behaviour import (
    answers,
    early_media,
    forwards,
    refers,
    refuses,
    rings,
)
from bridge.testing.softphones.sipp_phone import SippPhone
from bridge.testing.system.system_under_test import NotOfThisSystem, SystemUnderTest

__all__ = [
    "CallEvent",
    "EventReceiver",
    "FlowFailure",
    "FollowedCall",
    "Journal",
    "MakeClient",
    "MakePhone",
    "MakePublicNumber",
    "MakeScripted",
    "NotOfThisSystem",
    "NumberBehaviour",
    "Observation",
    "ObservedApi",
    "ObservedPhone",
    "PhoneScript",
    "PlainCall",
    "PublicNumber",
    "Recording",
    "Recordings",
    "ScriptedPhone",
    "SippPhone",
    "Source",
    "Subscription",
    "SystemUnderTest",
    "answers",
    "answers_after_cancel",
    "early_media",
    "forwards",
    "hangs_up_at_the_same_time",
    "never_acknowledges",
    "progress_then_refuses",
    "refers",
    "refuses",
    "rings",
    "session_timers",
    "waits",
    "with_headers",
]
