"""What counts as a public number, and how it is dialled."""

from __future__ import annotations

from dataclasses import dataclass

NUMBER_PLACEHOLDER = "{number}"


class NumberRuleError(ValueError):
    """`str()` is the rule that the number breaks."""


@dataclass(frozen=True, slots=True)
class NumberRules:
    """Which digits are a public number. Prefixes are compared after `strip_prefix` is taken off.

    `strip_prefix` is what people dial for an outside line. `allowed_prefixes` empty means all;
    `blocked_prefixes` win over them. `+` and `00` are different prefixes: nothing here knows
    which country dials what, so a number that must be blocked is listed in every spelling.
    """

    min_digits: int = 7
    max_digits: int = 15
    allow_plus: bool = True
    strip_prefix: str = ""
    allowed_prefixes: tuple[str, ...] = ()
    blocked_prefixes: tuple[str, ...] = ()

    def normalise(self, text: str) -> str:
        """The number to dial for `text`: digits, an optional leading `+`. Or NumberRuleError."""
        number = text
        if self.strip_prefix:
            number = number.removeprefix(self.strip_prefix)
        digits = number.removeprefix("+")
        if not (digits.isascii() and digits.isdigit()):
            raise NumberRuleError("a public number is digits with an optional '+' in front")
        if number.startswith("+") and not self.allow_plus:
            raise NumberRuleError("a public number must not begin with '+'")
        if not self.min_digits <= len(digits) <= self.max_digits:
            raise NumberRuleError(
                f"a public number has {self.min_digits} to {self.max_digits} digits"
            )
        if number.startswith(self.blocked_prefixes):
            raise NumberRuleError("public numbers with this prefix are blocked")
        if self.allowed_prefixes and not number.startswith(self.allowed_prefixes):
            raise NumberRuleError("public numbers with this prefix are not allowed")
        return number


@dataclass(frozen=True, slots=True)
class OutboundRoute:
    """Where public numbers go. `template` is a dial string with `{number}` in it, once."""

    template: str

    def dial(self, number: str) -> str:
        return self.template.replace(NUMBER_PLACEHOLDER, number)
