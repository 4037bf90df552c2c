"""Provenance of files, and verification that they can be reproduced."""
