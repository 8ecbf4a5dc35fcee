"""The Predict page: the ways in for an image, its preprocessing, and the prediction."""
