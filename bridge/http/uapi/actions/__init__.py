"""PUT /uapi/phoneCalls/…: the actions on live calls, one file per group."""
