"""`make demo`: two softphones, one call through the API, a timeline. No test: a thing to watch."""
