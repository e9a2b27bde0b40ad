"""Parts of a running system that only the tests of this repository need."""
