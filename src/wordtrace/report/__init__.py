"""Results for people, as pages, in notebooks and in terminals, made only from JSON documents.

Nothing is computed here, and of the other packages only the errors are imported: what is shown is
what the documents say.
"""
