"""Reads a directory file (YAML), makes the directory of it, and keeps the one in force.

The format, key by key, with what is needed and what is the default (example.yaml beside this file
is a complete one with comments):

- `organizations`, at least one: `id`, `prefix` (digits before the `*`), `name`,
  `recording_retention_days` (default: as the settings say), `users`, `extensions`
  - `users`: `id` (unique in the whole file), `name`, `password` (default none: cannot sign in to
    the console): `generated`, or a hash of `uapi-bridge secret hash`
  - `extensions`:
    - `number` (extended, `0003*210`), `type` (Phone Terminal, Queue, IVR, Conference, Callback),
      `user` (the id of a user of the same organization)
    - `caller_id` (`John Doe <+3334444>`; default: the number), `may_set_caller_id` (default no),
      `may_call_public` (default no), `public_number` (default none), `recording` (never, always,
      on demand; default never)
    - Phone Terminals only: `sip_secret` (default: generated) or `endpoint` (`PJSIP/…`, a phone that
      the PBX knows already); `forward` (default none): `always`, `busy`, `no_answer`,
      `unregistered`, each a number, and `no_answer_s` (20)
    - Conferences only: `conferences` (default none): `number` and `pin` (default: none needed)
    - Queues only: `queue` (default: no agents): `members`, `strategy` (ringall, leastrecent,
      fewestcalls, random, rrmemory, linear), `ring_s` (20), `wrap_up_s` (0), `music` (ringing
      tone), `announce_position_s` (0: never), `announcement` (none), `announcement_s` (60), `name`
      (the number)
    - all others but Callback: `dial` (default `Local/<number>@<services_context>/n`)
- `apps` (default none): `client_id`, `name`, `account` (`administrator`, `organization <prefix>`,
  `user <id>`), `client_secret` (default: generated)
- `outbound_route` (default none: public numbers cannot be called): `dial` with `{number}` in it
- `public_numbers`: `min_digits` (7), `max_digits` (15), `allow_plus` (yes), `strip_prefix` (none),
  `allowed_prefixes` (all), `blocked_prefixes` (none), `international_prefix` (00),
  `country_code` (none), `national_prefix` (none)
- `verba_keys` (default none: the Verba API is closed): `name`, `key` (a GUID; default: generated),
  `needs_login` (no), `networks` (default: all), `organization` (a prefix; default: all)
- `verba_users` (default none): `name`, `password` (default: generated), `organization`
- `services_context` (services): the dialplan context of queues, IVRs and conferences

Values mean what is written: `0003` is the prefix 0003 without quotes too. Unknown and repeated keys
are errors. A file with any error is refused as a whole, with all its errors.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bridge.clock import now_ms
from bridge.config.secrets_file import SecretSource
from bridge.directory.directory import Directory
from bridge.directory.file_checks import check_file, spell_path
from bridge.directory.file_entries import directory_of, number_rules
from bridge.directory.file_schema import DirectoryFile
from bridge.directory.forwards import check_forwards
from bridge.directory.problems import DirectoryError, Problem
from bridge.directory.queue_members import check_queue_members
from bridge.directory.yaml_tree import Document, Tree, UnreadableYaml, read_yaml

EXAMPLE_FILE = Path(__file__).with_name("example.yaml")

_REWORDED = {
    "missing": "is required",
    "extra_forbidden": "unknown key",
    "string_type": "must be text",
    "tuple_type": "must be a list",
    "model_type": "must be a mapping (key: value)",
    "bool_parsing": "must be yes or no",
    "bool_type": "must be yes or no",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
}


def load_directory(path: Path, secret_source: SecretSource) -> Directory:
    """Raises DirectoryError with every problem, SecretsFileError if secrets cannot be kept.

    Secrets are made only for a file that is valid.
    """
    return directory_from(read_content(path), str(path), secret_source)


def directory_from(
    content: str, name: str, secret_source: SecretSource, *, several_edges: bool = False
) -> Directory:
    """The directory of a file with this content. `name`: of the file, for problems.

    `several_edges`: its phones register at any of them. Raises as `load_directory`.
    """
    document = _document(content, name)
    parsed, problems = _parse(document.tree, document, name)
    for here, line in document.repeated:
        problems.append(Problem(name, line, spell_path(here), "is written twice"))
    findings = list(check_file(document.tree))
    if parsed is not None:
        findings += check_forwards(parsed, number_rules(parsed.public_numbers))
        findings += check_queue_members(parsed)
    for here, reason in findings:
        problems.append(Problem(name, document.line_of(here), spell_path(here), reason))
    if parsed is None or problems:
        raise DirectoryError(tuple(sorted(problems, key=lambda problem: problem.line)))
    return directory_of(parsed, secret_source, several_edges=several_edges)


@dataclass(frozen=True, slots=True)
class DirectoryContent:
    """A directory file as it was read. `name` is for problems."""

    name: str
    text: str


class CurrentDirectory:
    """Holds the directory in force. A request takes it once and keeps it to its end.

    `shared`: the file that all of several instances use; it returns None where each uses its own,
    at `path`. `since_ms`: when the directory in force was read, by `now_ms`. `hash`: SHA-256 of its
    file, in hex. `several_edges`: as of `directory_from`.
    """

    def __init__(
        self,
        path: Path,
        secret_source: SecretSource,
        shared: Callable[[], DirectoryContent | None] = lambda: None,
        now_ms: Callable[[], int] = now_ms,
        *,
        several_edges: bool = False,
    ) -> None:
        self._several_edges = several_edges
        self.path = path
        self.secret_source = secret_source
        self._shared = shared
        self._now_ms = now_ms
        self.since_ms = 0
        self.hash = ""
        self._directory = self._load()

    @property
    def directory(self) -> Directory:
        return self._directory

    def reload(self) -> Directory:
        """Reads the file and the secrets again.

        If it raises (as `load_directory` does) the old directory stays.
        """
        self.secret_source.read_again()
        self._directory = self._load()
        return self._directory

    def _load(self) -> Directory:
        content = self._shared() or DirectoryContent(str(self.path), read_content(self.path))
        began_ms = self._now_ms()
        loaded = directory_from(
            content.text, content.name, self.secret_source, several_edges=self._several_edges
        )
        self.since_ms = began_ms
        self.hash = hashlib.sha256(content.text.encode()).hexdigest()
        return loaded


def _document(content: str, name: str) -> Document:
    try:
        return read_yaml(content)
    except UnreadableYaml as error:
        raise DirectoryError((Problem(name, error.line, "", error.reason),)) from None


def read_content(path: Path) -> str:
    """The content of a directory file. Raises DirectoryError where it cannot be read."""
    try:
        return _text(path)
    except OSError as error:
        problem = Problem(str(path), 0, "", f"cannot be read: {error.strerror or error}")
    except UnicodeDecodeError as error:
        problem = Problem(str(path), 0, "", f"not UTF-8 at byte {error.start}")
    raise DirectoryError((problem,))


def _text(path: Path) -> str:
    """Raises OSError, UnicodeDecodeError. A read that waits, as of a pipe, would make the service
    deaf to every later SIGHUP, and to its end."""
    with open(path, encoding="utf-8", opener=_without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError("it is not a regular file")
        return file.read()


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _parse(tree: Tree, document: Document, file: str) -> tuple[DirectoryFile | None, list[Problem]]:
    if not isinstance(tree, dict):
        reason = "is empty" if tree is None else "must be a mapping (key: value)"
        return None, [Problem(file, document.line_of(()), "", reason)]
    try:
        return DirectoryFile.model_validate(tree), []
    except ValidationError as errors:
        problems = []
        for error in errors.errors(include_input=False, include_url=False):
            where = error["loc"]
            problems.append(
                Problem(file, document.line_of(where), spell_path(where), _reason(error))
            )
        return None, problems


def _reason(error: ErrorDetails) -> str:
    """In the words of the file's format, not of Python. Never with the value: it may be secret."""
    reworded = _REWORDED.get(error["type"])
    if reworded is not None:
        return reworded
    return error["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
