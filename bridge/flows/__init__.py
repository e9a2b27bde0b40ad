"""Call flows as data: YAML that says who does what, who expects what, and within which time.

It reads and writes flows; `bridge/testing/flows/` runs them with phones.
"""
