"""`forward` of an extension: the check of its targets, and their dial strings.

A target is an extension of the same organization, or a public number. The forwarding extension must
have the right to call public numbers, and the rules of the file must allow this one. Its forward is
followed in turn, but no phone rings twice in a call. The PBX ends other rounds by that; one of
`always` alone would never ring anybody and is an error of the file. So is one that leads over the
public network and back: each round is a new call there, which nothing ends.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping

from bridge.directory.file_schema import DirectoryFile, ExtensionEntry, ForwardEntry
from bridge.directory.model import ExtensionType, Forwards, ForwardTarget
from bridge.directory.number_rules import NumberRuleError, NumberRules, OutboundRoute
from bridge.directory.yaml_tree import KeyPath

KINDS = ("always", "busy", "no_answer", "unregistered")

FileFault = tuple[KeyPath, str]


def check_forwards(file: DirectoryFile, rules: NumberRules) -> Iterator[FileFault]:
    """Everything that is wrong with the forwards of a file whose values are each valid."""
    always: dict[str, str] = {}
    known = {
        x.number
        for one in file.organizations
        for x in one.extensions
        if x.type is not ExtensionType.CALLBACK
    }
    outside = _PublicNumbers(file, rules)
    for i, organization in enumerate(file.organizations):
        for j, entry in enumerate(organization.extensions):
            if entry.forward is None:
                continue
            here: KeyPath = ("organizations", i, "extensions", j, "forward")
            if entry.type is not ExtensionType.PHONE_TERMINAL:
                yield here, "only for a Phone Terminal"
                continue
            for kind, number in _targets(entry.forward):
                extended = _extended(number, organization.prefix, known)
                if kind == "always" and extended is not None:
                    always[entry.number] = extended
                reason = _why_not(file, rules, entry, organization.prefix, number, extended)
                owner = None if extended else outside.owner(number)
                if owner is not None and owner.partition("*")[0] == organization.prefix:
                    reason = reason or f"this is the public number of {owner}: name the extension"
                if reason:
                    yield (*here, kind), reason
    yield from _rounds(file, always)
    yield from outside.rounds(file)


def forwards_of(
    entry: ExtensionEntry,
    organization: str,
    dials: Mapping[str, str],
    rules: NumberRules,
    route: OutboundRoute | None,
) -> Forwards | None:
    """Of a file without a finding. `dials`: the dial string of each extension."""
    if entry.forward is None:
        return Forwards(voicemail=True) if entry.voicemail else None

    def target(number: str) -> ForwardTarget:
        extended = _extended(number, organization, dials)
        if extended is not None:
            return ForwardTarget(extended, dials[extended])
        assert route is not None  # noqa: S101 - check_forwards has seen to it
        dialled = rules.normalise(number)
        return ForwardTarget(dialled, route.dial(dialled))

    made = {kind: target(number) for kind, number in _targets(entry.forward)}
    return Forwards(**made, no_answer_s=entry.forward.no_answer_s, voicemail=entry.voicemail)


def _targets(forward: ForwardEntry) -> Iterator[tuple[str, str]]:
    for kind in KINDS:
        number = getattr(forward, kind)
        if number is not None:
            yield kind, number


def _extended(number: str, organization: str, known: Container[str]) -> str | None:
    """The extension that a target names; None for a public number, or one nobody has."""
    extended = number if "*" in number else f"{organization}*{number}"
    return extended if extended in known else None


def _why_not(
    file: DirectoryFile,
    rules: NumberRules,
    entry: ExtensionEntry,
    organization: str,
    number: str,
    extended: str | None,
) -> str:
    if extended == entry.number:
        return "must not point to the extension itself"
    if extended is not None or "*" in number:
        if extended is None or extended.partition("*")[0] != organization:
            return "there is no such extension in this organization"
        return ""
    if not entry.may_call_public:
        return "the extension may not call public numbers (may_call_public)"
    if file.outbound_route is None:
        return "there is no outbound_route for public numbers"
    try:
        rules.normalise(number)
    except NumberRuleError as why:
        return f"there is no such extension, and {why}"
    return ""


def _rounds(file: DirectoryFile, always: Mapping[str, str]) -> Iterator[FileFault]:
    for i, organization in enumerate(file.organizations):
        for j, entry in enumerate(organization.extensions):
            seen = [entry.number]
            while (following := always.get(seen[-1])) is not None and following not in seen:
                seen.append(following)
            if following == entry.number and len(seen) > 1:
                path = " → ".join([*seen, entry.number])
                yield (
                    ("organizations", i, "extensions", j, "forward", "always"),
                    f"is a loop and rings no phone: {path}",
                )


class _PublicNumbers:
    """Which public numbers lead back to an extension of the file, and where that goes round."""

    def __init__(self, file: DirectoryFile, rules: NumberRules) -> None:
        self._rules = rules
        every = [x for one in file.organizations for x in one.extensions]
        self._owners = {
            rules.one_spelling(x.public_number): x.number for x in every if x.public_number
        }
        known = {x.number for x in every}
        self._next: dict[str, list[str]] = {}
        for x in every:
            organization = x.number.partition("*")[0]
            for _, number in _targets(x.forward) if x.forward else ():
                target = _extended(number, organization, known) or self.owner(number)
                if target is not None:
                    self._next.setdefault(x.number, []).append(target)

    def owner(self, number: str) -> str | None:
        if "*" in number:
            return None
        dialled = number.removeprefix(self._rules.strip_prefix)
        return self._owners.get(self._rules.one_spelling(dialled))

    def rounds(self, file: DirectoryFile) -> Iterator[FileFault]:
        """The loops that lead through a public number of another organization, reported at each
        such forward."""
        known = {x.number for one in file.organizations for x in one.extensions}
        for i, organization in enumerate(file.organizations):
            for j, entry in enumerate(organization.extensions):
                for kind, number in _targets(entry.forward) if entry.forward else ():
                    if _extended(number, organization.prefix, known) is not None:
                        continue
                    owner = self.owner(number)
                    if owner is None or owner.partition("*")[0] == organization.prefix:
                        continue
                    path = self._path(owner, entry.number)
                    if path:
                        shown = " → ".join([entry.number, f"{number} ({owner})", *path[1:]])
                        yield (
                            ("organizations", i, "extensions", j, "forward", kind),
                            f"goes round over the public network without an end: {shown}",
                        )

    def _path(self, begin: str, end: str) -> list[str]:
        """The shortest way along the forwards, both included; empty if there is none."""
        paths, seen = [[begin]], {begin}
        for path in paths:  # grows while it is read
            if path[-1] == end:
                return path
            for following in self._next.get(path[-1], ()):
                if following not in seen:
                    seen.add(following)
                    paths.append([*path, following])
        return []
