"""The lessons of the Learn page: one module for each topic, `lessons.py` for what they share."""
