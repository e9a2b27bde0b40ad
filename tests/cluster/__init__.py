"""Several instances over one PostgreSQL, as real processes that are killed, frozen and cut off."""
