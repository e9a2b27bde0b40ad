"""The parameter names of POST …/simple, and the names in a request that it does not know."""

from __future__ import annotations

from collections.abc import Mapping

from multidict import MultiMapping

from bridge.http.uapi.ignored_parameters import (
    refuse_in_body,
    refuse_misnamed,
    refuse_misread,
    unknown_of,
)

_QUERY = {
    "callDuration": "pc_duration_invalid",
    "waitForPickup": "pc_timeout_invalid",
    "allowPublicTransfer": "pc_transfer_invalid",
    "video": "pc_video_invalid",
    "recording": "pc_recording_invalid",
}
_BODY = {
    "extension": "extension_invalid",
    "phoneCallView": "pc_source_invalid",
    "metadata": "pc_metadata_invalid",
    "statusUrl": "pc_statusurl_invalid",
}
_VIEW = ("source", "destination", "callerId", "callerIdDestination", "callerDestination")


def refuse_misspelled(
    query: MultiMapping[str], body: Mapping[str, object], more: Mapping[str, str]
) -> None:
    """Raises 400 for a misspelled name that would silently change the price or the payer of the
    call. `more`: the codes of further parameters of the query."""
    known = {**_QUERY, **more}
    refuse_misread(query, {**known, "fields": "fields_invalid"})
    refuse_in_body(body, query, known)
    refuse_misnamed(body, _BODY)


def unknown_parameters(
    query: Mapping[str, str], body: Mapping[str, object], more: Mapping[str, str]
) -> list[str]:
    """The unknown names; names in a view have the name of the view before them."""
    names = unknown_of(query, {*_QUERY, *more, "fields"})
    names += unknown_of(body, {*_BODY, "nonce"})
    views = body.get("phoneCallView")
    for view in views if isinstance(views, list) else [views]:
        if isinstance(view, dict):
            names += unknown_of(view, _VIEW, "phoneCallView.")
    return names
