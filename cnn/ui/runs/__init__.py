"""The Runs page: all runs in a table, and what can be done with them."""
