"""Real SIP phones for tests and the demo: baresip softphones and scripted SIPp peers."""
