"""Ratios measured side by side in one run; each comparison first shows equal results."""
