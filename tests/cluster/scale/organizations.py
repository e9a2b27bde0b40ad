"""The directory of a large installation: organizations of the same size, with one user each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.directory_file import CLIENT_SECRET

FIRST_PHONE = 210
_TAIL = """
public_numbers: {min_digits: 7, max_digits: 15}
services_context: services
"""


@dataclass(frozen=True, slots=True)
class Organization:
    """Its phones have the numbers from `0003*210` on; the client acts for its one user."""

    number: int
    phones: int

    @property
    def prefix(self) -> str:
        return f"{self.number:04}"

    @property
    def client_id(self) -> str:
        return f"app-{self.prefix}"

    @property
    def extensions(self) -> list[str]:
        return [f"{self.prefix}*{FIRST_PHONE + x}" for x in range(self.phones)]


def organizations(count: int, phones: int) -> list[Organization]:
    return [Organization(number, phones) for number in range(3, 3 + count)]


def write_organizations(path: Path, all_of_them: Sequence[Organization]) -> None:
    lines, apps = ["organizations:"], ["apps:"]
    for one in all_of_them:
        lines += [
            f"  - id: {one.number}",
            f"    prefix: {one.prefix}",
            f"    name: Organization {one.number}",
            f"    users: [{{id: {one.number}, name: User {one.number}}}]",
            "    extensions:",
        ]
        lines += [
            f"      - {{number: {x}, type: Phone Terminal, user: {one.number},"
            f" sip_secret: secret-of-{x}, may_set_caller_id: yes}}"
            for x in one.extensions
        ]
        apps.append(
            f"  - {{client_id: {one.client_id}, client_secret: {CLIENT_SECRET},"
            f" name: App, account: user {one.number}}}"
        )
    path.write_text("\n".join([*lines, *apps]) + _TAIL)
