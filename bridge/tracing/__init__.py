"""Traces of requests, calls and webhooks, for an OpenTelemetry collector."""
