"""Attacks on wordtrace from outside, and the table of what came of them: ``make torture``.

Every section is a file that yields attempts (:mod:`torture.attempts`). It sees the product as a
user does, through commands in processes of their own (:mod:`torture.sandbox`) and the public API,
on a small run and index that are made anew (:mod:`torture.world`). All that is drawn at random
comes from one seed, so that an attempt can be repeated.
"""
