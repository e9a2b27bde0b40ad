"""The documentation as a site: `make docs` builds it into build/site.

`stage` copies the documents into build/pages, at the same places as in the repository. So every
link between them holds there too. Zensical makes the site of that folder, as zensical.toml says.
iframe-worker/ is the package of that name, version 1.0.4. With it the search works on pages that a
browser opens as files. Without it Zensical would load the same script from another host.
"""
