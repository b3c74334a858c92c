from torture.attempts import Attempt


def attacks(plan, world):
    return iter(())
