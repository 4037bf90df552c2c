"""Reports of a scan: text, JSON, annotations of GitHub, SARIF."""
