"""What is installed, seen as a package."""
