"""A matrix of trainings, each adopted and compared with what its Trainer really did."""
