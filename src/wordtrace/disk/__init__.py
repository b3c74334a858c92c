"""Files that are never half-written, and fingerprints that say what belongs together."""
