"""The timeline of a call: everything that happened to it, in order."""
