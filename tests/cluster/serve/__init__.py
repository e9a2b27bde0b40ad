"""`make serve-cluster`."""
