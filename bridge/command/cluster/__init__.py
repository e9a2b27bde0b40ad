"""`uapi-bridge cluster`: the instances over one database, and who acts for what.

It reads the database and not an instance: it is needed most when the instances do not answer.
"""
