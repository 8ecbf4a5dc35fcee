"""Guess a garment, choose a way in, and see what trains now."""

import streamlit as st

from cnn.ui import shell
from cnn.ui.start import guess, recent, ways_in

run = shell.page("CNN Atelier", "A workshop for convolutional networks that recognise clothes.")

words, game = st.columns([2, 3], gap="large")
with words:
    st.markdown(
        "Build a network, watch it learn from 55,000 images, look inside it, and show it a drawing or a photo of "
        "your own."
    )
    ways_in.first_steps(run.id)
with game:
    guess.show(run)
ways_in.cards(run.id)
recent.show()
