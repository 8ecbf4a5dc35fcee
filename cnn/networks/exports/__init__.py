"""A trained network as a file that other programs run: LiteRT, ONNX, and a page for any browser; and how good each is.

Knows nothing about runs on disk, about datasets, or about the page that offers the files. Its modules load TensorFlow,
so the package itself hands on nothing.
"""
