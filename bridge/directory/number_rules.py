"""The rules for public numbers: which are allowed, and how each is dialled."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

NUMBER_PLACEHOLDER = "{number}"
_ANYTHING = "^[+0-9]"
# No country code begins with 0 (ITU-T E.164); a carrier may read +001900… as +1900….
_NO_NUMBER = "+0"


class NumberRuleError(ValueError):
    """`str()` is the rule that the number breaks."""


# No slots: cached_property needs a place.
@dataclass(frozen=True)
class NumberRules:
    """Which digits are a public number. All is compared after `strip_prefix` is taken off.

    `strip_prefix` is what people dial for an outside line. `international_prefix` means the same
    as a leading `+`: a number is one number in both spellings, and so is a prefix. With
    `country_code`, a number that begins with `national_prefix` is the same as the international
    one, too. `allowed_prefixes` empty means all; `blocked_prefixes` win over them.

    A prefix is compared with every spelling that may mean the number. Without `country_code` the
    meaning of a number without `+` is unknown. Then a blocked prefix counts with and without `+`,
    and an allowed prefix counts as written.
    """

    min_digits: int = 7
    max_digits: int = 15
    allow_plus: bool = True
    strip_prefix: str = ""
    allowed_prefixes: tuple[str, ...] = ()
    blocked_prefixes: tuple[str, ...] = ()
    international_prefix: str = "00"
    country_code: str = ""
    national_prefix: str = ""

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
        compared = self.compared(number)
        if not self.min_digits <= len(compared.removeprefix("+")) <= self.max_digits:
            raise NumberRuleError(
                f"a public number has {self.min_digits} to {self.max_digits} digits"
            )
        if re.search(self.blocked, compared):
            raise NumberRuleError("public numbers with this prefix are blocked")
        if not re.search(self.allowed, compared):
            raise NumberRuleError("public numbers with this prefix are not allowed")
        return number

    def compared(self, number: str) -> str:
        """The spelling in which numbers and prefixes are compared: `+49…` for `0049…`."""
        if self.international_prefix and number.startswith(self.international_prefix):
            return "+" + number.removeprefix(self.international_prefix)
        return number

    def one_spelling(self, number: str) -> str:
        """Of all that are known to mean the same number, one; without a `+`."""
        one = self.compared(number)
        if self.country_code and not one.startswith("+") and one.startswith(self.national_prefix):
            one = self.country_code + one.removeprefix(self.national_prefix)
        return one.removeprefix("+")

    @cached_property
    def blocked(self) -> str:
        """A POSIX extended regular expression over `compared` numbers; Python reads it alike.

        The dialplan of the PBX applies the same rule to numbers that phones dial.
        """
        spellings = [y for x in self.blocked_prefixes for y in self._spellings(x)]
        return _beginning([_NO_NUMBER, *spellings])

    @cached_property
    def allowed(self) -> str:
        """A regular expression like `blocked`, for the allowed numbers.

        Without allowed prefixes it matches every number.
        """
        spellings = [y for x in self.allowed_prefixes for y in self._known_spellings(x)]
        return _beginning(spellings) if spellings else _ANYTHING

    def _spellings(self, prefix: str) -> list[str]:
        """Beginnings of numbers that may mean this prefix."""
        one = self.compared(prefix)
        bare = one.removeprefix("+")
        either = [f"+{bare}"] + ([bare] if bare else [])
        known = self._known_spellings(prefix)
        if not self.country_code or not self.national_prefix.startswith("0"):
            return [*either, *known]
        # +49 0900…, as in +49 (0) 900…
        home = f"+{self.country_code}"
        doubled = [home + x for x in known if x.startswith(self.national_prefix)]
        return [*either, *known, *doubled]

    def _known_spellings(self, prefix: str) -> list[str]:
        """Beginnings of numbers that mean this prefix for certain."""
        one = self.compared(prefix)
        found = [one]
        if self.international_prefix.startswith(prefix):
            found.append("+")  # a beginning of 00 is one of each international number
        if not self.country_code:
            return found
        home = f"+{self.country_code}"
        if one.startswith(home):
            found.append(self.national_prefix + one.removeprefix(home))
        elif home.startswith(one):
            found.append(self.national_prefix)
        elif one.startswith(self.national_prefix) and not one.startswith("+"):
            found.append(home + one.removeprefix(self.national_prefix))
        elif self.national_prefix.startswith(one):
            found.append(home)
        return found


def _beginning(beginnings: list[str]) -> str:
    # An empty one stands for each number without a +.
    patterns = (x.replace("+", "[+]") or "[0-9]" for x in dict.fromkeys(beginnings))
    return "^(" + "|".join(patterns) + ")"


@dataclass(frozen=True, slots=True)
class OutboundRoute:
    """The outbound route of public numbers. `template` is a dial string with `{number}` in it,
    once."""

    template: str

    def dial(self, number: str) -> str:
        """The dial string for a public number: the template with the number in the place of its
        placeholder."""
        return self.template.replace(NUMBER_PLACEHOLDER, number)
