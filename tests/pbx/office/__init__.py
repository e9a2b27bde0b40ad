"""The service on the Asterisk of a small office: stories as they happen, with real phones."""
