"""PhoneCalls: what they are, how they change, and the service that places and ends them."""
