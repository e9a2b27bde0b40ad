"""The directory of the benchmark: two phones that are called, and many that belong to others."""

from __future__ import annotations

from pathlib import Path

SOURCE, DESTINATION = "0003*210", "0003*211"
CLIENT_ID, LISTENER_ID = "bench", "listener"
CLIENT_SECRET = "the-secret-of-both-apps"
FIRST_OTHER = 1000
USER, OTHERS_USER = "12", "13"

_HEAD = """
organizations:
  - id: 3
    prefix: 0003
    name: Benchmark
    users:
      - {id: 12, name: Benchmark}
      - {id: 13, name: Others}
    extensions:
"""
_TAIL = f"""
apps:
  - client_id: {CLIENT_ID}
    client_secret: {CLIENT_SECRET}
    name: Benchmark
    account: user 12
  - client_id: {LISTENER_ID}
    client_secret: {CLIENT_SECRET}
    name: Listeners
    account: organization 0003
public_numbers: {{min_digits: 7, max_digits: 15}}
services_context: services
"""


def other(number: int) -> str:
    """An extension of the other user."""
    return f"0003*{FIRST_OTHER + number}"


def user_of(extension: str) -> str:
    return USER if extension in (SOURCE, DESTINATION) else OTHERS_USER


def write_directory(path: Path, others: int = 0) -> None:
    phone = "      - {{number: {}, type: Phone Terminal, user: {}, may_set_caller_id: yes{}}}\n"
    lines = [phone.format(x, 12, "") for x in (SOURCE, DESTINATION)]
    lines += [phone.format(other(x), 13, f', endpoint: "PJSIP/{other(x)}"') for x in range(others)]
    path.write_text(_HEAD + "".join(lines) + _TAIL)
