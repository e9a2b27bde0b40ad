"""Calls go on at any instance while instances are killed at random: nothing is lost or doubled."""
