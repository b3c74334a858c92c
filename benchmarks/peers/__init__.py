"""What others do for the same question, by their own interfaces."""
