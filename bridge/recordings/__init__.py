"""Recording of calls: start and stop, the record of it, finding it, and deleting it for good.

A conversation is the record of one recorded call. It has one or more media files on the PBX, whose
names are ids (`<conversation id>-<part>`). The order is always: the record on disk, then the file;
and in the end the files gone, then the record. So whatever is killed when, every file has a record
that names it.
"""
