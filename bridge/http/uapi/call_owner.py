"""The organization that owns a call: the fields `ownerId` and `ownerName`."""

from __future__ import annotations

from bridge.calls.state.phone_call import PhoneCall
from bridge.directory.directory import Directory
from bridge.directory.model import User
from bridge.http.uapi.fields import Json


def owner_of(directory: Directory, call: PhoneCall, reader: User) -> Json:
    """The organization that pays, whoever looks (docs/reference/specification.md §4, step 4);
    that of the reader where nobody of ours pays."""
    organization = directory.organizations.get(call.organization or reader.organization)
    if organization is None:
        return {}
    return {"ownerId": str(organization.id), "ownerName": organization.name}
