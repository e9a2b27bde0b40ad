"""Ours: the members of a conference, GET, PUT and DELETE …/conference/members."""
