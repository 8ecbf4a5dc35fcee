"""The Start page: a garment to guess, ways in, and what trains now."""
