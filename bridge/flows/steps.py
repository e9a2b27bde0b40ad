"""The steps of a flow. A step is one of an app or of a phone, and either does or expects one thing.

Times are in seconds. A name of a phone of the flow stands for its extension wherever a number may
stand.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
)

APP = "app"
WITHIN_S = 5.0
_WITHIN_S_MAX = 300.0

Name: TypeAlias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
Number: TypeAlias = Annotated[str, Field(pattern=r"^([a-z][a-z0-9_]{0,30}|[+0-9*]{1,40})$")]
Seconds: TypeAlias = Annotated[float, Field(gt=0, le=_WITHIN_S_MAX)]


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Numbers: TypeAlias = Annotated[
    tuple[Number, ...],
    Field(min_length=1, max_length=20),
    BeforeValidator(_listed),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 20},
            ]
        }
    ),
]
Outcome: TypeAlias = Literal["answered", "busy", "failed", "no answer", "unknown", "not allowed"]
OUTCOMES: tuple[str, ...] = get_args(Outcome)
"""By their numbers in the API (`disposition`)."""


class Step(BaseModel):
    """The base of all steps."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    who: Name


class Expectation(Step):
    """It must be seen within so many seconds after the step before."""

    within_s: Seconds = WITHIN_S


class AppCreates(Step):
    """A call through the API. `error`: the code with which it must be refused."""

    does: Literal["create"]
    source: Numbers
    destination: Numbers
    extension: Number | None = None
    caller_id: Annotated[str, Field(max_length=120)] | None = None
    recording: bool | None = None
    wait_for_pickup_s: Annotated[int, Field(ge=1, le=300)] | None = None
    call_duration_s: Annotated[int, Field(ge=1, le=86_400)] | None = None
    error: Annotated[str, Field(max_length=60)] | None = None


class AppFinds(Expectation):
    """Takes the live call of an extension, which the next steps of the app are about."""

    does: Literal["find"]
    extension: Number


class AppHangsUp(Step):
    """The app, or a phone: one that rings refuses with 486."""

    does: Literal["hang_up"]


class AppActs(Step):
    """An action of docs/actions.md with its fields, on the call of the app."""

    does: Literal["act"]
    action: Annotated[str, Field(pattern=r"^[A-Za-z]{1,40}$")]
    fields: Annotated[dict[str, str], Field(max_length=20)] = {}


class Waits(Step):
    """Nobody does anything for so long."""

    does: Literal["wait"]
    for_s: Annotated[float, Field(gt=0, le=60)]


class PhoneAnswers(Step):
    """A phone that rings is answered."""

    does: Literal["answer"]


class PhoneDials(Step):
    """A phone dials a number."""

    does: Literal["dial"]
    number: Number


class PhoneHolds(Step):
    """A phone holds the other side, or goes on talking to it."""

    does: Literal["hold", "resume"]


class PhonePresses(Step):
    """A phone sends digits within its call."""

    does: Literal["press"]
    digits: Annotated[str, Field(pattern=r"^[0-9*#]{1,40}$")]


class PhoneTransfers(Step):
    """A phone hands the other side over to a number, and leaves."""

    does: Literal["transfer"]
    to: Number


class PhoneJoins(Step):
    """A phone connects the other sides of its two calls, and leaves."""

    does: Literal["attended_transfer"]


class SeesCall(Expectation):
    """App: both sides talk, or a party rings. Phone: it rings, talks, or has no call."""

    expects: Literal["ringing", "talking", "no_call"]
    caller: Annotated[str, Field(max_length=120)] | None = None


class HearsTone(Expectation):
    """The tone of another phone of the flow, or one of so many Hz."""

    expects: Literal["tone"]
    of: Name | None = None
    hz: Annotated[int, Field(ge=100, le=3400)] | None = None


class SeesRefusal(Expectation):
    """The phone's own call is refused with that SIP status."""

    expects: Literal["refused"]
    code: Annotated[int, Field(ge=300, le=699)]


class SeesEnd(Expectation):
    """The final record of the call. Fields that are left out may have any value."""

    expects: Literal["ended"]
    outcome: Outcome | None = None
    by: Annotated[str, Field(max_length=40)] | None = None
    hangup_cause: int | None = None
    sip_code: int | None = None


class SeesEntry(Expectation):
    """An entry of that type in the timeline of the call (docs/timeline.md)."""

    expects: Literal["entry"]
    type: Annotated[str, Field(pattern=r"^[A-Za-z]{1,40}$")]
    status: int | None = None


def kind_of(step: object) -> str:
    """`does create`, `expects ringing` of a step, or of its tree in YAML."""
    for verb in ("does", "expects"):
        value = step.get(verb) if isinstance(step, dict) else getattr(step, verb, None)
        if isinstance(value, str):
            return f"{verb} {_KINDS.get(f'{verb} {value}', value)}"
    return ""


# Two words of one model have one tag.
_KINDS = {
    "does resume": "hold",
    "expects talking": "ringing",
    "expects no_call": "ringing",
}

AnyStep = Annotated[
    Annotated[AppCreates, Tag("does create")]
    | Annotated[AppFinds, Tag("does find")]
    | Annotated[AppHangsUp, Tag("does hang_up")]
    | Annotated[AppActs, Tag("does act")]
    | Annotated[Waits, Tag("does wait")]
    | Annotated[PhoneAnswers, Tag("does answer")]
    | Annotated[PhoneDials, Tag("does dial")]
    | Annotated[PhoneHolds, Tag("does hold")]
    | Annotated[PhonePresses, Tag("does press")]
    | Annotated[PhoneTransfers, Tag("does transfer")]
    | Annotated[PhoneJoins, Tag("does attended_transfer")]
    | Annotated[SeesCall, Tag("expects ringing")]
    | Annotated[HearsTone, Tag("expects tone")]
    | Annotated[SeesRefusal, Tag("expects refused")]
    | Annotated[SeesEnd, Tag("expects ended")]
    | Annotated[SeesEntry, Tag("expects entry")],
    Discriminator(kind_of),
]

OF_APP = {
    "does": {"create", "find", "hang_up", "act", "wait"},
    "expects": {"ringing", "talking", "ended", "entry"},
}
"""The words that may follow each verb in a step of the app."""
OF_PHONE = {
    "does": {
        *("answer", "hang_up", "dial", "hold", "resume", "press"),
        *("transfer", "attended_transfer", "wait"),
    },
    "expects": {"ringing", "talking", "no_call", "tone", "refused"},
}
