"""Calls through an HTTP API on your own Asterisk."""

__version__ = "0.1.0"
