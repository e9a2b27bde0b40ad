"""The description of the whole HTTP interface, as an OpenAPI 3.1 document."""
