"""Queues: their agents, who waits in them, and what the PBX is told of them."""
