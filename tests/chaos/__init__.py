"""Calls at a steady rate while everything around them breaks: `make chaos`."""
