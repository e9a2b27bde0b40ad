"""What the Asterisk and the images are made from, said exactly: `make pin`."""
