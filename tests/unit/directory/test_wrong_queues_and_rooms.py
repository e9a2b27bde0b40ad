"""What is said of entries that do not fit the type of their extension, and of wrong queues."""

from pathlib import Path

import pytest

from bridge.directory.queue_members import MEMBERS_MAX

from .small_directory import load, problems

OFFICE = """\
organizations:
  - {id: 3, prefix: 1, name: A, users: [{id: 1, name: A}], extensions: [
      {number: 1*1, type: Phone Terminal, user: 1},
      {number: 1*2, type: Queue, user: 1, queue: {name: sales, members: [1]}},
      %s]}
"""
THIRD = "organizations[0].extensions[2]"


@pytest.mark.parametrize(
    ("entry", "key", "reason"),
    [
        ("type: IVR, queue: {members: [1]}", "queue", "only for a Queue"),
        ("type: Phone Terminal, conferences: [{number: 12}]", "conferences", "for a Conference"),
        ("type: IVR, conferences: [{number: 12}]", "conferences", "for a Conference"),
        ("type: Callback, dial: Local/1@x/n", "dial", "cannot be called"),
        ("type: Queue, queue: {name: sales}", "queue.name", "sales is the queue of 1*2 already"),
        ("type: Queue, queue: {members: [2]}", "queue.members[0]", "there is no phone 1*2"),
        ("type: Queue, queue: {members: [7]}", "queue.members[0]", "there is no phone 1*7"),
        ("type: Queue, queue: {members: [1, 1*1]}", "queue.members[1]", "1*1 is written twice"),
    ],
)
def test_an_entry_that_does_not_fit_is_named(
    tmp_path: Path, entry: str, key: str, reason: str
) -> None:
    [(_, where, found)] = problems(tmp_path, OFFICE % f"{{number: 1*3, user: 1, {entry}}}")
    assert where == f"{THIRD}.{key}"
    assert reason in found


def test_a_queue_has_so_many_agents_and_no_more(tmp_path: Path) -> None:
    numbers = range(100, 100 + MEMBERS_MAX + 1)
    phones = ",\n".join(f"{{number: 1*{x}, type: Phone Terminal, user: 1}}" for x in numbers)
    queue = "{{number: 1*3, type: Queue, user: 1, queue: {{members: {}}}}},\n"
    load(tmp_path, OFFICE % (queue.format(list(numbers[1:])) + phones))
    [(_, where, why)] = problems(tmp_path, OFFICE % (queue.format(list(numbers)) + phones))
    assert where == f"{THIRD}.queue.members"
    assert f"more than {MEMBERS_MAX} numbers" in why


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ("national_prefix: 0", "national_prefix means nothing without country_code"),
        (f"blocked_prefixes: {list(range(1000, 1100))}", "too many prefixes for the dialplan"),
        (f"allowed_prefixes: {list(range(1000, 1100))}", "too many prefixes for the dialplan"),
    ],
)
def test_rules_for_public_numbers_that_cannot_be_kept(
    tmp_path: Path, rules: str, reason: str
) -> None:
    text = OFFICE % "{number: 1*3, type: IVR, user: 1}" + f"public_numbers: {{{rules}}}\n"
    [(_, where, found)] = problems(tmp_path, text)
    assert where == "public_numbers"
    assert reason in found
