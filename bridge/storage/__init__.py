"""What outlives a restart: calls, answers to repeated requests, tokens.

Reads go through the engine's connections, writes only through the `WriteQueue`.
"""
