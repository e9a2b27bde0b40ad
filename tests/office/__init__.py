"""A small office's Asterisk as people bring it, and stories that happen on it.

A story is played with real phones (live), recorded, or replayed from its recording.
"""
