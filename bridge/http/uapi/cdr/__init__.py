"""Call detail records: GET /uapi/cdr (docs/reference/uapi.md §8)."""
