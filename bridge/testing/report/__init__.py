"""The report of a failed test: one time axis of all that was observed, as text, HTML and PCAP."""

from bridge.testing.report.writing import Report, write_report

__all__ = ["Report", "write_report"]
