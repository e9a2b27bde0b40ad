"""Subscriptions to the calls of an extension, and their delivery to the subscribers.

docs/phone-call-events.md tells receivers of them.
"""
