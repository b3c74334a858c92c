"""Proof by retraining: with and without the rows in question, and with controls."""
