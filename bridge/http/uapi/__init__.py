"""The VoipNow UnifiedAPI routes."""
