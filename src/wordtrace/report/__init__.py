"""Results for people: pages, notebooks and terminals, made of the JSON documents alone.

Nothing is computed here and nothing of the house but the errors is imported: what can be shown is
what the documents say.
"""
