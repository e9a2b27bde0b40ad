"""The system that a flow tests: one that the kit starts, or one that runs already."""
