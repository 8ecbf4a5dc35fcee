"""The lecture's arithmetic and its questions, on small arrays that can be followed by hand.

Knows what is taught, not how a page shows it.
"""
