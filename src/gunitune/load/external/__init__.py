"""Load generators of others that were found on PATH; one module each."""
