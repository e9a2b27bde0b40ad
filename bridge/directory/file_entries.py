"""Makes the directory of a valid file; the secrets it leaves out come from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bridge.config.secrets_file import (
    SecretSource,
    app_secret_name,
    sip_secret_name,
    user_password_name,
    verba_key_name,
    verba_password_name,
)
from bridge.directory.directory import Directory, service_dial
from bridge.directory.file_schema import (
    AppEntry,
    DirectoryFile,
    ExtensionEntry,
    OrganizationEntry,
    PublicNumbersEntry,
    QueueEntry,
    UserEntry,
    VerbaKeyEntry,
    VerbaUserEntry,
)
from bridge.directory.file_values import GENERATED
from bridge.directory.forwards import forwards_of
from bridge.directory.model import (
    AccountLevel,
    App,
    Conference,
    Extension,
    ExtensionType,
    Forwards,
    Organization,
    Queue,
    User,
    VerbaKey,
    VerbaUser,
)
from bridge.directory.number_rules import NumberRules, OutboundRoute
from bridge.directory.queue_members import extended


def directory_of(
    file: DirectoryFile, secret_source: SecretSource, *, several_edges: bool = False
) -> Directory:
    """The directory of a valid file.

    `secret_source` gives each secret that the file leaves out. `several_edges`: the phones that
    the service makes register at any of them. Raises SecretsFileError.
    """
    generated = secret_source.get_or_create_all(_left_out(file))
    users = [
        _user(user, organization.prefix, generated)
        for organization in file.organizations
        for user in organization.users
    ]
    home = {user.id: user.organization for user in users}
    route = None if file.outbound_route is None else OutboundRoute(file.outbound_route.dial)
    rules = number_rules(file.public_numbers)
    dials = {
        entry.number: _dial(entry, file.services_context)
        for organization in file.organizations
        for entry in organization.extensions
    }
    return Directory.of(
        organizations=[
            Organization(one.id, one.prefix, one.name, one.recording_retention_days)
            for one in file.organizations
        ],
        users=users,
        extensions=[
            _extension(
                entry,
                organization,
                dials[entry.number],
                generated,
                forwards_of(entry, organization.prefix, dials, rules, route),
                several_edges and _is_provisioned(entry),
            )
            for organization in file.organizations
            for entry in organization.extensions
        ],
        apps=[_app(entry, home, generated) for entry in file.apps],
        outbound_route=route,
        number_rules=rules,
        services_context=file.services_context,
        verba_keys=[_verba_key(entry, generated) for entry in file.verba_keys],
        verba_users=[_verba_user(entry, generated) for entry in file.verba_users],
    )


def _left_out(file: DirectoryFile) -> Iterator[str]:
    """The names of the secrets that the file does not give."""
    for organization in file.organizations:
        for user in organization.users:
            if user.password == GENERATED:
                yield user_password_name(user.id)
        for entry in organization.extensions:
            if _is_provisioned(entry) and entry.sip_secret is None:
                yield sip_secret_name(entry.number)
    for app in file.apps:
        if app.client_secret is None:
            yield app_secret_name(app.client_id)
    yield from (verba_key_name(one.name) for one in file.verba_keys if one.key is None)
    yield from (verba_password_name(one.name) for one in file.verba_users if one.password is None)


def _is_provisioned(entry: ExtensionEntry) -> bool:
    return entry.type is ExtensionType.PHONE_TERMINAL and entry.endpoint is None


def _dial(entry: ExtensionEntry, services_context: str) -> str:
    if entry.type is ExtensionType.PHONE_TERMINAL:
        return entry.endpoint or f"PJSIP/{entry.number}"
    if entry.type is ExtensionType.CALLBACK:
        return ""  # it pays for calls between public numbers, and cannot be called itself
    return entry.dial or service_dial(entry.number, services_context)


def _extension(
    entry: ExtensionEntry,
    organization: OrganizationEntry,
    dial: str,
    generated: Mapping[str, str],
    forwards: Forwards | None,
    several_edges: bool,
) -> Extension:
    secret_name = None
    secret = entry.sip_secret
    if entry.type is ExtensionType.PHONE_TERMINAL:
        endpoint = dial
        if _is_provisioned(entry) and secret is None:
            secret_name = sip_secret_name(entry.number)
            secret = generated[secret_name]
    else:
        endpoint = ""
    caller_id = entry.parsed_caller_id
    return Extension(
        number=entry.number,
        type=entry.type,
        user_id=entry.user,
        organization=organization.prefix,
        dial=dial,
        endpoint=endpoint,
        caller_name=caller_id.name,
        caller_number=caller_id.number,
        may_set_caller_id=entry.may_set_caller_id,
        may_call_public=entry.may_call_public,
        # A lookup has removed the + before.
        public_number=entry.public_number.removeprefix("+") if entry.public_number else None,
        secret_name=secret_name,
        sip_secret=secret,
        recording=entry.recording,
        devices=entry.devices,
        webrtc=entry.webrtc,
        several_edges=several_edges,
        forwards=forwards,
        conferences=tuple(Conference(x.number, x.pin or "") for x in entry.conferences),
        queue=_queue(entry, organization.prefix),
    )


def _queue(entry: ExtensionEntry, prefix: str) -> Queue | None:
    if entry.type is not ExtensionType.QUEUE:
        return None
    written = entry.queue or QueueEntry()
    members = written.members
    return Queue(
        name=written.name or entry.number,
        members=None if members is None else tuple(extended(x, prefix) for x in members),
        strategy=written.strategy,
        ring_s=written.ring_s,
        wrap_up_s=written.wrap_up_s,
        music=written.music or "",
        announce_position_s=written.announce_position_s,
        announcement=written.announcement or "",
        announcement_s=written.announcement_s,
    )


def _user(entry: UserEntry, prefix: str, generated: Mapping[str, str]) -> User:
    if entry.password != GENERATED:
        return User(entry.id, entry.name, prefix, entry.password)
    name = user_password_name(entry.id)
    return User(entry.id, entry.name, prefix, generated[name], name)


def _app(entry: AppEntry, home: Mapping[int, str], generated: Mapping[str, str]) -> App:
    level, _, name = entry.account.partition(" ")
    user_id = int(name) if level == "user" else None
    organization = name if level == "organization" else None
    secret, secret_name = entry.client_secret, None
    if secret is None:
        secret_name = app_secret_name(entry.client_id)
        secret = generated[secret_name]
    return App(
        client_id=entry.client_id,
        client_secret=secret,
        name=entry.name,
        level=AccountLevel(level.capitalize()),
        user_id=user_id,
        organization=organization if user_id is None else home[user_id],
        secret_name=secret_name,
    )


def _verba_key(entry: VerbaKeyEntry, generated: Mapping[str, str]) -> VerbaKey:
    return VerbaKey(
        name=entry.name,
        key=entry.key or generated[verba_key_name(entry.name)],
        needs_login=entry.needs_login,
        networks=entry.networks,
        organization=entry.organization,
    )


def _verba_user(entry: VerbaUserEntry, generated: Mapping[str, str]) -> VerbaUser:
    password = entry.password or generated[verba_password_name(entry.name)]
    return VerbaUser(name=entry.name, password=password, organization=entry.organization)


def number_rules(entry: PublicNumbersEntry) -> NumberRules:
    """The rules for public numbers that the entry states."""
    return NumberRules(
        min_digits=entry.min_digits,
        max_digits=entry.max_digits,
        allow_plus=entry.allow_plus,
        strip_prefix=entry.strip_prefix or "",
        allowed_prefixes=entry.allowed_prefixes,
        blocked_prefixes=entry.blocked_prefixes,
        international_prefix=entry.international_prefix,
        country_code=entry.country_code or "",
        national_prefix=entry.national_prefix or "",
    )
