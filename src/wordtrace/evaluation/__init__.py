"""How good a measure is: what retraining says of the rows that it names (section 2.2)."""
