"""The OAuth errors of a token request; and why a token does not count."""

from __future__ import annotations

from typing import ClassVar


class OAuthError(Exception):
    """No token was issued. `code` is OAuth's (RFC 6749, 5.2), `description` may be shown."""

    code: ClassVar[str] = "invalid_request"

    def __init__(self, description: str) -> None:
        super().__init__(f"{self.code}: {description}")
        self.description = description


class InvalidRequest(OAuthError):
    """A field is missing, given twice or malformed (RFC 6749 §5.2)."""

    code = "invalid_request"


class InvalidClient(OAuthError):
    """Unknown client or wrong secret; nobody is told which."""

    code = "invalid_client"


class UnsupportedGrantType(OAuthError):
    """The grant type is not `client_credentials` (RFC 6749 §5.2)."""

    code = "unsupported_grant_type"


class AccessDenied(Exception):
    """The token does not count. `reason` is for our log: the app learns only that it is denied."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
