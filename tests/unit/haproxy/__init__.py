"""HAProxy in front of several instances."""
