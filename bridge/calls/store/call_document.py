"""A PhoneCall as the JSON document that is kept of it."""

from __future__ import annotations

import orjson
from pydantic import TypeAdapter, ValidationError

from bridge.calls.state.phone_call import PhoneCall

# Fields that a later version adds need a default, so that it can read the documents of this one;
# fields that this version does not know are ignored.
_adapter: TypeAdapter[PhoneCall] = TypeAdapter(PhoneCall)


class UnreadableDocument(ValueError):
    """The document is not a PhoneCall of this version. `str()` says where, without its content."""


def call_to_document(call: PhoneCall) -> str:
    """Raises ValueError for a text that is not valid Unicode (lone surrogates)."""
    try:
        return orjson.dumps(call).decode()
    except TypeError:  # a number beyond 64 bits; or the error that pydantic reports for the text
        return _adapter.dump_json(call).decode()


def call_from_document(document: str) -> PhoneCall:
    """The call in a stored JSON document.

    Raises UnreadableDocument, which names fields but no values.
    """
    try:
        return _adapter.validate_json(document)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        where = (".".join(map(str, fault["loc"])) + ": " + fault["msg"] for fault in faults)
        raise UnreadableDocument("; ".join(where)) from None
