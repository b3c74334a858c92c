"""Proof by retraining: with and without the rows in question, beside a control."""
