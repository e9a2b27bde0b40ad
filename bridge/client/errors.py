"""The faults of the client."""

from __future__ import annotations


class ApiError(Exception):
    """The service refused a request.

    `status` of HTTP, `code` and `message` of the answer, `request_id` for the operator's log.
    `retry_after_s`: after this many seconds it may go well; None where nothing was said.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        request_id: str = "",
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.request_id = request_id
        self.retry_after_s = retry_after_s


class NotReached(Exception):
    """The service did not answer. A create may have placed its call all the same: send it again
    with the same idempotency key. `str()` says why."""
