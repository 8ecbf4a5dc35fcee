"""What the pages are made of: the frame around each page, and a package for each of them.

The only package in `cnn` that knows Streamlit; it places what others have computed and drawn.
"""
