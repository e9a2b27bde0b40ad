"""The database: engine, write queue, migrations. It contains no rows of a feature.

Reads go through the engine's connections, writes only through the `WriteQueue`.
"""
