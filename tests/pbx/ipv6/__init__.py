"""Everything on IPv6: the PBX, phones, the service itself, receivers of events."""
