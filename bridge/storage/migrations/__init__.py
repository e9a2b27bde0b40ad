"""The steps from one layout of the tables to the next (alembic)."""

# the newest revision under versions/, repeated so that a start can compare it without alembic
HEAD = "0016"
