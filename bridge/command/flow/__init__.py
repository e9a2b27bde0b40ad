"""`uapi-bridge flow`: run, check and record call flows (docs/flows.md)."""
