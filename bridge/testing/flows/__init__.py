"""Runs the flows of bridge/flows with real phones against a running service."""
