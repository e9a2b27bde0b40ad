"""The web console: its sessions, its routes, its files."""
