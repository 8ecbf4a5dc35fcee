"""How good a network is: accuracy, loss, calibration, what is unlike anything it knows, examples to look at.

Knows networks and datasets; knows neither the training that made a network nor the page that shows the figures.
"""
