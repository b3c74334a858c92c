"""What a run says about a model and about measures: cancellation, overlap, word importance."""
