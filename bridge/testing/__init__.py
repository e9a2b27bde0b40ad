"""Tools for tests of calls: a running system, phones, a receiver of webhooks.

The service does not import this package; of the commands, `flow` and `load` do. It is installed as
`uapi-bridge[testing]`.
"""
