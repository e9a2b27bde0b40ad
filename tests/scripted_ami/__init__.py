"""A scripted AMI server: a PBX whose every word and every fault the test decides."""
