"""Kills, damages and misfeeds a miniature study: `make torture`, not part of `make test`."""
