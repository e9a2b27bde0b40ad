"""A flow: its phones and its steps."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from bridge.flows.steps import AnyStep, Name

_PHONES_MAX, _STEPS_MAX = 16, 200


class Phone(BaseModel):
    """A phone that is registered as an extension. `refuses_with`: it answers each call with that
    SIP status. `tone_hz`: the tone that it sends; left out, each phone has one of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    extension: Annotated[str, Field(pattern=r"^[0-9*]{1,40}$")]
    refuses_with: Annotated[int, Field(ge=300, le=699)] | None = None
    tone_hz: Annotated[int, Field(ge=200, le=3000)] | None = None


def _whole(value: object) -> object:
    return {"extension": value} if isinstance(value, str) else value


_PHONE_SCHEMA = Phone.model_json_schema()
AnyPhone: TypeAlias = Annotated[
    Phone,
    BeforeValidator(_whole),
    WithJsonSchema({"anyOf": [_PHONE_SCHEMA["properties"]["extension"], _PHONE_SCHEMA]}),
]


class Flow(BaseModel):
    """`flow` says in a few words what it shows. Phones are registered before the first step."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="A call flow")

    flow: Annotated[str, Field(min_length=1, max_length=200)]
    phones: Annotated[dict[Name, AnyPhone], Field(max_length=_PHONES_MAX)] = {}
    steps: Annotated[tuple[AnyStep, ...], Field(min_length=1, max_length=_STEPS_MAX)]


def schema() -> dict[str, Any]:
    """The JSON schema of a flow, for editors."""
    found = Flow.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}
