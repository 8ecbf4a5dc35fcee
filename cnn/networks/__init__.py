"""A Keras model: built from a configuration, compiled, loaded, asked, and looked into layer by layer.

Knows nothing about how well it does, how it is trained step by step, or how anything is drawn. Its modules load
TensorFlow, so the package itself hands on nothing.
"""
