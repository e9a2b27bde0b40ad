"""`uapi-bridge check --pbx` against real Asterisks, whole and broken."""
