"""The loops that drive orders forward: whose turn it is, what is done in it, how many calls are left."""
