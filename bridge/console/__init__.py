"""The web console: the files that a browser loads. They are plain ES modules, nothing is built."""
