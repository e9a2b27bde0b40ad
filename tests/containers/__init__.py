"""The system as containers: `make test-compose`."""
