"""A recorded training: data, model, tokenizer, checkpoints and the learning rate at each."""
