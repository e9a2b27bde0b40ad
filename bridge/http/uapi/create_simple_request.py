"""POST …/simple, parsed: the fields in the order of the specified table of errors.

The table is in docs/reference/specification.md §4. The answer names the first wrong field, so
that one wrong request always gets the same answer. The order is: body, user, extension,
callDuration, source, destination, waitForPickup, callerId, callerIdDestination,
allowPublicTransfer, video, nonce, recording, metadata,
statusUrl.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from bridge.calls.call_order import NewCall
from bridge.directory.caller_ids import CallerId, parse_caller_id
from bridge.directory.errors import CallerIdInvalid, NumberInvalid
from bridge.directory.model import App, Extension, ExtensionType, RecordingMode
from bridge.directory.number_spelling import bare_number
from bridge.directory.numbers import resolve_party
from bridge.directory.ownership import SELF, resolve_extension, resolve_user
from bridge.directory.party import Party
from bridge.directory.requester import Requester
from bridge.http.errors import invalid
from bridge.http.http_settings import CreateLimits
from bridge.http.uapi.call_metadata import metadata_text
from bridge.http.uapi.query_values import flag, number_text, whole_number
from bridge.phone_call_events.url_rules import UrlInvalid, check_url

Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class CreateSimple:
    """One request: the requester, the user, the query and the body."""

    app: App
    requester: Requester
    user_text: str
    query: Mapping[str, str]
    body: Fields
    # the field of the view that has the parties who are called first
    called_first: ClassVar[str] = "source"
    # of the query, beyond those of POST …/simple, each with the code of its errors
    more_parameters: ClassVar[Mapping[str, str]] = {}

    def parse(self, limits: CreateLimits) -> NewCall:
        """The call that is ordered. Raises UapiError, UserInvalid and ExtensionInvalid."""
        view = _view(self.body)
        spelled = self.spelled_payer(view or {})
        user = resolve_user(self.requester, self.user_text, spelled)
        if spelled is None:
            raise invalid("extension_invalid", self.extension_missing)
        extension = resolve_extension(self.requester, user, spelled)
        self.check_payer(extension)
        duration_s = whole_number(
            self.query.get("callDuration", str(limits.duration_default_s)),
            "pc_duration_invalid",
            "callDuration",
            1,
            limits.duration_max_s,
        )
        if view is None:
            raise invalid(
                "pc_source_invalid", "phoneCallView must be a list of one object with the source."
            )
        sources = self.sources(view, extension, limits)
        destinations = self._parties(view, "destination", extension, limits.parties_max)
        wait_s = whole_number(
            self.query.get("waitForPickup", str(limits.pickup_default_s)),
            "pc_timeout_invalid",
            "waitForPickup",
            1,
            limits.pickup_max_s,
        )
        return NewCall(
            extension=extension,
            extension_spelled=spelled,
            sources=sources,
            destinations=destinations,
            wait_s=wait_s,
            duration_s=duration_s,
            caller_id=_caller_id(view, extension, "callerId"),
            # One client writes callerDestination instead (docs/reference/uapi.md §1.1).
            destination_caller_id=_caller_id(
                view, extension, "callerIdDestination", "callerDestination"
            ),
            allow_public_transfer=flag(
                self.query.get("allowPublicTransfer", "false"),
                "pc_transfer_invalid",
                "allowPublicTransfer",
            ),
            video=flag(self.query.get("video", "false"), "pc_video_invalid", "video"),
            nonce=_nonce(self.body, limits.nonce_max_chars),
            client_id=self.app.client_id,
            recording=self._recording(extension, limits),
            metadata=metadata_text(self.body.get("metadata")),
            status_url=_status_url(self.body.get("statusUrl"), limits),
        )

    def _recording(self, payer: Extension, limits: CreateLimits) -> bool | None:
        """Ours: whether an `on demand` extension has this call recorded; left out: it has not.

        A recording that nobody would make is refused: the app would tell its user that it is made.
        """
        text = self.query.get("recording")
        wanted = None if text is None else flag(text, "pc_recording_invalid", "recording")
        if wanted and not limits.recording:
            raise invalid("pc_recording_invalid", "recording is switched off on this system.")
        if wanted and payer.recording is RecordingMode.NEVER:
            raise invalid(
                "pc_recording_invalid", f"recording is never made for extension {payer.number}."
            )
        return wanted

    # ---- the points in which other creates differ --------------------------------------

    def parse_all(self, limits: CreateLimits) -> list[NewCall]:
        """The calls that are ordered. Raises as `parse`."""
        return [self.parse(limits)]

    def sources(
        self, view: Fields, extension: Extension, limits: CreateLimits
    ) -> tuple[Party, ...]:
        """Raises 400 pc_source_invalid."""
        return self._parties(view, "source", extension, limits.parties_max)

    @property
    def extension_missing(self) -> str:
        """The message for a body without an extension."""
        return (
            "extension must be the number of a Phone Terminal extension of the user; without "
            "it, the first source must be one."
        )

    def spelled(self) -> str | None:
        """The extension that shall pay, as the request has it; None: it names none."""
        return self.spelled_payer(_view(self.body) or {})

    def spelled_payer(self, view: Fields) -> str | None:
        """The extension as the body has it, else the first source; None: neither is a number."""
        if self.body.get("extension") is not None:
            return self.spelled_extension()
        return _number_or_none(next(iter(listed(view.get("source"))), None))

    def spelled_extension(self) -> str | None:
        """The field `extension` of the body; None: another value than a number."""
        return _number_or_none(self.body.get("extension"))

    def check_payer(self, extension: Extension) -> None:
        """Raises 400 extension_invalid."""
        if extension.type is not ExtensionType.PHONE_TERMINAL:
            raise invalid("extension_invalid", "extension must be a Phone Terminal extension.")

    def check_party(self, party: Party, code: str, name: str, extension: Extension) -> None:
        """Raises 400 with this code."""
        if party.is_public and not extension.may_call_public:
            raise invalid(
                code, f"{name}: extension {extension.number} must not call public numbers."
            )

    def _parties(
        self, view: Fields, name: str, extension: Extension, most: int
    ) -> tuple[Party, ...]:
        code = f"pc_{name}_invalid"
        values = listed(view.get(name))
        if not 1 <= len(values) <= most:
            raise invalid(code, f"{name} must be a list of 1 to {most} numbers.")
        parties: dict[str, Party] = {}
        for value in values:
            text = number_text(value)
            if text is None:
                raise invalid(code, f"{name} must hold numbers, each as a string or a number.")
            try:
                party = resolve_party(self.requester, text)
            except NumberInvalid as why:
                raise invalid(code, f"{name}: {why.reason}.") from None
            self.check_party(party, code, name, extension)
            parties.setdefault(party.dial, party)
        return tuple(parties.values())


def _view(body: Fields) -> Fields | None:
    views = body.get("phoneCallView")
    if isinstance(views, list) and len(views) == 1:
        views = views[0]
    return views if isinstance(views, dict) else None


def listed(value: object) -> list[object]:
    """Some clients send one number instead of a list of one."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def _number_or_none(value: object) -> str | None:
    text = bare_number(number_text(value) or "")
    return None if not text or text == SELF else text


def _caller_id(view: Fields, extension: Extension, *names: str) -> CallerId:
    for name in names:
        value = view.get(name)
        if value is None:
            continue
        if not extension.may_set_caller_id:
            raise invalid("pc_callerid_invalid", f"You are not allowed to set the {name} field.")
        text = number_text(value)
        if text is None:
            raise invalid("pc_callerid_invalid", f"{name} must be a string like 'Jo <+3334444>'.")
        try:
            return parse_caller_id(text)
        except CallerIdInvalid as why:
            raise invalid("pc_callerid_invalid", f"{name}: {why.reason}.") from None
    return CallerId(extension.caller_name, extension.caller_number)


def _status_url(value: object, limits: CreateLimits) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise invalid("pc_statusurl_invalid", "statusUrl must be a string.")
    try:
        check_url(value.strip(), limits.url_max_chars, limits.targets)
    except UrlInvalid as why:
        raise invalid("pc_statusurl_invalid", f"statusUrl: {why}.") from None
    return value.strip()


def _nonce(body: Fields, most: int) -> str | None:
    value = body.get("nonce")
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not 1 <= len(value) <= most or not value.isprintable():
        raise invalid(
            "pc_nonce_invalid", f"nonce must be a string of 1 to {most} printable characters."
        )
    return value
