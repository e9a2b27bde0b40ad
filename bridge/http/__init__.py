"""The HTTP side: one file per resource, each parses, calls a service and answers."""
