"""`uapi-bridge load`: how many calls, how fast, and what fails (docs/load.md)."""
