"""GET /docs: the OpenAPI document as a page to read and to try, without a request elsewhere."""
