"""Tools for tests of calls: a running system, phones, a receiver of webhooks.

Nothing of the service imports this package. It is installed as `uapi-bridge[testing]`.
"""
