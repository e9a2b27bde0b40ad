"""Subscriptions to the calls of an extension, and their delivery to the subscribers (README.md)."""
