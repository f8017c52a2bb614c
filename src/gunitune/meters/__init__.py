"""Meters of a running server: CPU time, memory, restarts, and what else the machine did."""
