"""The Evaluate page: how good a network is on a whole split, where it fails, and what to do about it."""
