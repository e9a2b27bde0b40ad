"""An edge, its nodes and their services as processes on loopback."""
