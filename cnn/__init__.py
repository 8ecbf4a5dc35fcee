"""CNN Atelier's engine: everything that is not a page. Only `cnn.ui` knows Streamlit, only `cnn.charts` Plotly."""

import os

# Read once, when TensorFlow is first loaded: without it every command line greets with notes about missing GPUs.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# TensorFlow uses oneDNN by itself only where it finds AVX-512; without, a training step takes 1.6 times as long.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
