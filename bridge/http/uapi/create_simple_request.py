"""POST …/simple, parsed: the fields in the order of the error table of spec/003.

Where several fields are wrong, the first of that order is answered: the body as a whole, user,
extension, callDuration, source, destination, waitForPickup, callerId, callerIdDestination,
allowPublicTransfer, video, nonce, recording. So one wrong request always gets the same answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.calls.pbx import CallerId
from bridge.calls.placing import NewCall
from bridge.directory.caller import Caller
from bridge.directory.caller_ids import parse_caller_id
from bridge.directory.errors import CallerIdInvalid, NumberInvalid
from bridge.directory.model import App, Extension, ExtensionType
from bridge.directory.numbers import resolve_party
from bridge.directory.ownership import SELF, resolve_extension, resolve_user
from bridge.directory.party import Party
from bridge.http.uapi.errors import invalid
from bridge.http.uapi.query_values import flag, number_text, whole_number
from bridge.settings import Settings

Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class CreateSimple:
    """One request: who asks, for which user, its query and its body."""

    app: App
    caller: Caller
    user_text: str
    query: Mapping[str, str]
    body: Fields

    def parse(self, settings: Settings) -> NewCall:
        """The call that is ordered. Raises UapiError, UserInvalid and ExtensionInvalid."""
        view = _view(self.body)
        spelled = self._extension_text(view or {})
        user = resolve_user(self.caller, self.user_text, spelled)
        if spelled is None:
            raise invalid(
                "extension_invalid",
                "extension must be the number of a Phone Terminal extension of the user; without "
                "it, the first source must be one.",
            )
        extension = resolve_extension(self.caller, user, spelled)
        if extension.type is not ExtensionType.PHONE_TERMINAL:
            raise invalid("extension_invalid", "extension must be a Phone Terminal extension.")
        duration_s = whole_number(
            self.query.get("callDuration", str(settings.call_duration_default_s)),
            "pc_duration_invalid",
            "callDuration",
            1,
            settings.call_duration_max_s,
        )
        if view is None:
            raise invalid(
                "pc_source_invalid", "phoneCallView must be a list of one object with the source."
            )
        sources = self._parties(view, "source", extension, settings.parties_max)
        destinations = self._parties(view, "destination", extension, settings.parties_max)
        wait_s = whole_number(
            self.query.get("waitForPickup", str(settings.wait_for_pickup_default_s)),
            "pc_timeout_invalid",
            "waitForPickup",
            1,
            settings.wait_for_pickup_max_s,
        )
        return NewCall(
            extension=extension,
            extension_spelled=spelled,
            sources=sources,
            destinations=destinations,
            wait_s=wait_s,
            duration_s=duration_s,
            caller_id=_caller_id(view, extension, "callerId"),
            # One client writes callerDestination instead (uapi.md §1.1).
            destination_caller_id=_caller_id(
                view, extension, "callerIdDestination", "callerDestination"
            ),
            allow_public_transfer=flag(
                self.query.get("allowPublicTransfer", "false"),
                "pc_transfer_invalid",
                "allowPublicTransfer",
            ),
            video=flag(self.query.get("video", "false"), "pc_video_invalid", "video"),
            nonce=_nonce(self.body, settings.nonce_max_chars),
            client_id=self.app.client_id,
            recording=self._recording(),
        )

    def _recording(self) -> bool | None:
        """Ours: whether an `on demand` extension has this call recorded; left out: it has not."""
        text = self.query.get("recording")
        return None if text is None else flag(text, "pc_recording_invalid", "recording")

    def _extension_text(self, view: Fields) -> str | None:
        """As the body has it, else the first source; None where neither is a number."""
        value = self.body.get("extension")
        if value is None:
            value = next(iter(_listed(view.get("source"))), None)
        text = number_text(value)
        return None if not text or text == SELF else text

    def _parties(
        self, view: Fields, name: str, extension: Extension, most: int
    ) -> tuple[Party, ...]:
        code = f"pc_{name}_invalid"
        values = _listed(view.get(name))
        if not 1 <= len(values) <= most:
            raise invalid(code, f"{name} must be a list of 1 to {most} numbers.")
        parties: dict[str, Party] = {}
        for value in values:
            text = number_text(value)
            if text is None:
                raise invalid(code, f"{name} must hold numbers, each as a string or a number.")
            try:
                party = resolve_party(self.caller, text)
            except NumberInvalid as why:
                raise invalid(code, f"{name}: {why.reason}.") from None
            if party.is_public and not extension.may_call_public:
                raise invalid(
                    code, f"{name}: extension {extension.number} must not call public numbers."
                )
            parties.setdefault(party.dial, party)
        return tuple(parties.values())


def _view(body: Fields) -> Fields | None:
    views = body.get("phoneCallView")
    if isinstance(views, list) and len(views) == 1:
        views = views[0]
    return views if isinstance(views, dict) else None


def _listed(value: object) -> list[object]:
    """Some clients send one number instead of a list of one."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


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
