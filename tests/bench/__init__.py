"""The benchmark: this service beside what a user would write by hand, on the same Asterisk."""
