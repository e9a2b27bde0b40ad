"""The directory of somebody, with as much of it as a replay needs, and nothing else."""

from __future__ import annotations

from typing import Any

import yaml

from bridge.directory.directory import Directory
from bridge.directory.model import Extension, ExtensionType

from .replacements import Replacements


def cleaned_directory(directory: Directory, replacements: Replacements) -> str:
    """As YAML: organizations, users and extensions; no app, no key, no secret, no caller id."""
    organizations = []
    for number, organization in enumerate(directory.organizations.values(), 1):
        users = [x for x in directory.users.values() if x.organization == organization.prefix]
        extensions = [
            x for x in directory.extensions.values() if x.organization == organization.prefix
        ]
        organizations.append(
            {
                "id": number,
                "prefix": replacements.tokens(f"{organization.prefix}*0").partition("*")[0],
                "name": f"Organization {number}",
                "users": [{"id": x.id, "name": replacements.person(x.name)} for x in users],
                "extensions": [_extension(x, replacements) for x in extensions],
            }
        )
    tree: dict[str, Any] = {
        "organizations": organizations,
        "services_context": replacements.tokens(directory.services_context),
    }
    if directory.outbound_route is not None:
        dial = replacements.tokens(directory.outbound_route.dial("s"))
        tree["outbound_route"] = {"dial": dial.replace("/s@", "/{number}@")}
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)


def _extension(extension: Extension, replacements: Replacements) -> dict[str, Any]:
    made: dict[str, Any] = {
        "number": replacements.tokens(extension.number),
        "type": extension.type.value,
        "user": extension.user_id,
    }
    if extension.dial and extension.type is not ExtensionType.PHONE_TERMINAL:
        made["dial"] = replacements.tokens(extension.dial)
    elif extension.endpoint and not extension.provisioned:
        made["endpoint"] = replacements.tokens(extension.endpoint)
    if extension.public_number is not None:
        made["public_number"] = replacements.tokens(extension.public_number)
    return made
