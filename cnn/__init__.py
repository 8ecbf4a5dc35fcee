"""CNN Atelier's engine: everything that is not a page. Only `cnn.ui` knows Streamlit, only `cnn.figures` Plotly."""

import os

# Read once, when TensorFlow is first loaded: without it every command line greets with notes about missing GPUs.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
