"""The report of a failed test: one time axis of all that was observed, as text, HTML and PCAP."""
