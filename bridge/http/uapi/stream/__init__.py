"""Calls as server-sent events: the state at once, then every change."""
