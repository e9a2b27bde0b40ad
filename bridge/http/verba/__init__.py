"""The Verba API: one URL, one file per group of actions. Each parses, calls a service, answers."""
