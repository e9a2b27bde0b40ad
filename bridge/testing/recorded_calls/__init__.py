"""Calls of a PBX that were recorded as events, cleaned and replayed without a PBX.

A story is the path of its files without their suffix: `STORY.jsonl` has the events, `STORY.txt` the
text that the service should make of them. `STORY.yaml`, or `directory.yaml` in its folder, is the
directory of that PBX; without both it is the shipped example.
"""
