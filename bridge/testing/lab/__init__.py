"""A whole running system for tests: a real Asterisk, the service as a process, phones, a client."""
