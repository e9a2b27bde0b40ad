"""Event streams of real calls, and what makes them anew (README.md)."""
