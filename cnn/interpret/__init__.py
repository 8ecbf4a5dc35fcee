"""Looking inside a trained network: how a value comes about, what a filter looks for, why it answered so.

Returns arrays and plain values; knows neither training nor drawing.
"""
