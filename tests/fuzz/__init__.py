"""schemathesis asks a running service for all that the OpenAPI document has, valid and not.

The service answers as the document says, or a check fails: no 5xx, no status, header or body that
the document lacks, no route without its token. All stays on loopback. Calls are short, few at
a time, and lead to numbers of the simulated public network.
"""
