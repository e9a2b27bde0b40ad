"""How far a cluster scales: `python -m tests.cluster.scale` prints the tables of the page."""
