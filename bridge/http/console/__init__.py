"""The web console: its page and files, its sessions, and what only it asks for."""
