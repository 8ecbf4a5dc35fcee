"""The Predict page: the ways in for a picture, how it is read, and the answer."""
