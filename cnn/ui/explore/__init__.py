"""The Explore page: what happens inside a network for one image or two."""
