"""The Explore page: what happens inside a network for one picture or two."""
