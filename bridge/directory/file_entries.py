"""Makes the directory of a valid file; the secrets it leaves out come from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bridge.directory.directory import Directory, service_dial
from bridge.directory.file_schema import (
    AppEntry,
    DirectoryFile,
    ExtensionEntry,
    OrganizationEntry,
    PublicNumbersEntry,
    VerbaKeyEntry,
    VerbaUserEntry,
)
from bridge.directory.model import (
    AccountLevel,
    App,
    Extension,
    ExtensionType,
    Organization,
    User,
    VerbaKey,
    VerbaUser,
)
from bridge.directory.number_rules import NumberRules, OutboundRoute
from bridge.secrets_file import (
    SecretSource,
    app_secret_name,
    sip_secret_name,
    verba_key_name,
    verba_password_name,
)


def directory_of(file: DirectoryFile, secret_source: SecretSource) -> Directory:
    generated = secret_source.get_or_create_all(_left_out(file))
    users = [
        User(user.id, user.name, organization.prefix)
        for organization in file.organizations
        for user in organization.users
    ]
    home = {user.id: user.organization for user in users}
    route = file.outbound_route
    return Directory.of(
        organizations=[
            Organization(one.id, one.prefix, one.name, one.recording_retention_days)
            for one in file.organizations
        ],
        users=users,
        extensions=[
            _extension(entry, organization, file.services_context, generated)
            for organization in file.organizations
            for entry in organization.extensions
        ],
        apps=[_app(entry, home, generated) for entry in file.apps],
        outbound_route=None if route is None else OutboundRoute(route.dial),
        number_rules=_number_rules(file.public_numbers),
        services_context=file.services_context,
        verba_keys=[_verba_key(entry, generated) for entry in file.verba_keys],
        verba_users=[_verba_user(entry, generated) for entry in file.verba_users],
    )


def _left_out(file: DirectoryFile) -> Iterator[str]:
    """The names of the secrets that the file does not give."""
    for organization in file.organizations:
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


def _extension(
    entry: ExtensionEntry,
    organization: OrganizationEntry,
    services_context: str,
    generated: Mapping[str, str],
) -> Extension:
    secret_name = None
    secret = entry.sip_secret
    if entry.type is ExtensionType.PHONE_TERMINAL:
        endpoint = entry.endpoint or f"PJSIP/{entry.number}"
        dial = endpoint
        if _is_provisioned(entry) and secret is None:
            secret_name = sip_secret_name(entry.number)
            secret = generated[secret_name]
    else:
        endpoint = ""
        dial = entry.dial or service_dial(entry.number, services_context)
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
        # Whoever looks one up has taken the + off.
        public_number=entry.public_number.removeprefix("+") if entry.public_number else None,
        secret_name=secret_name,
        sip_secret=secret,
        recording=entry.recording,
    )


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


def _number_rules(entry: PublicNumbersEntry) -> NumberRules:
    return NumberRules(
        min_digits=entry.min_digits,
        max_digits=entry.max_digits,
        allow_plus=entry.allow_plus,
        strip_prefix=entry.strip_prefix or "",
        allowed_prefixes=entry.allowed_prefixes,
        blocked_prefixes=entry.blocked_prefixes,
    )
