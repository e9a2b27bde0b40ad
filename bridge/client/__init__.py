"""A client of the service, for apps in Python: `UapiClient` (async), `SyncUapiClient`.

It imports nothing else of this package, so an app loads no part of the service.
"""

from bridge.client.errors import ApiError, NotReached
from bridge.client.model import PhoneCall, PhoneCallView, Status, Timeline, TimelineEntry
from bridge.client.signatures import SignatureInvalid, event_details, verify_signature
from bridge.client.sync_client import SyncUapiClient
from bridge.client.uapi_client import StreamEvent, UapiClient

__all__ = [
    "ApiError",
    "NotReached",
    "PhoneCall",
    "PhoneCallView",
    "SignatureInvalid",
    "Status",
    "StreamEvent",
    "SyncUapiClient",
    "Timeline",
    "TimelineEntry",
    "UapiClient",
    "event_details",
    "verify_signature",
]
