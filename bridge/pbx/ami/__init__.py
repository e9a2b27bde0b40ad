"""Asterisk's manager interface: what is said and heard there.

`connection.py` has the socket, `session.py` the login and the clock. `sent_action.py` awaits one
answer, `link.py` is for calls, `event_decode.py` reads the events.
"""
