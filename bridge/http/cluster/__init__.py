"""Requests at any of several instances: for which PBX each is, and how it gets there."""
