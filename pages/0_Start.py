"""What this is, a garment with the network's answer, where each page leads, and what is training now."""

import streamlit as st

from cnn import charts, runs
from cnn.config import CLASS_NAMES
from cnn.evaluation.examples import read_examples
from cnn.ui import shell, state
from cnn.ui.train import progress

run = shell.page(
    "CNN Atelier",
    "A workshop for convolutional networks on clothes. Build a network, watch it learn from 55,000 garments, look "
    "inside it, and show it a drawing or a photo of your own.",
)

garment, leads = st.columns([3, 2], gap="large")

with garment:
    answering = run if read_examples(run) else runs.get(runs.DEFAULT_ID)
    examples = read_examples(answering)
    if examples:
        st.subheader("What is this?")
        number = st.session_state.setdefault(state.GARMENT, 0) % len(examples.labels)
        # Steps of 37 pass through the classes in a mixed order and, 37 and 100 having no common factor, miss none.
        index = (number * 37 + 90) % len(examples.labels)
        picture, label = examples.images[index], int(examples.labels[index])
        image_column, answer_column = st.columns([2, 3], vertical_alignment="center")
        with image_column:
            st.image(
                picture.repeat(10, 0).repeat(10, 1),
                width="stretch",
                caption="A test picture, 28×28 pixels, never seen in training"
                + (", drawn by this program (synthetic)." if shell.synthetic_note(answering) else "."),
                alt=f"A grey 28 by 28 picture of a garment of the class {CLASS_NAMES[label]}.",
            )
        with answer_column:
            best = int(examples.probabilities[index].argmax())
            verdict = "which is right" if best == label else f"but it is: **{CLASS_NAMES[label]}**"
            st.markdown(f"**{shell.plain(answering.name)}** says **{CLASS_NAMES[best]}**, {verdict}.")
            st.plotly_chart(
                charts.probabilities(examples.probabilities[index], CLASS_NAMES, height=280, true=label),
                key="answer",
                config={"displayModeBar": False},
                alt=f"Probabilities of the ten classes; the highest is {CLASS_NAMES[best]}.",
            )
        if st.button("Another garment", icon=":material/casino:"):
            st.session_state[state.GARMENT] += 1
            st.rerun()

with leads:
    st.subheader("Where to go")
    for page, icon, title, what in (
        (shell.TRAIN, "model_training", "Train", "Choose or build a network and watch its loss and accuracy move."),
        (shell.RUNS, "table_rows", "Runs", "Every training so far; lay the curves of several over each other."),
        (shell.SWEEPS, "scatter_plot", "Sweeps", "Vary up to three settings, and see which one counts."),
        (shell.MODEL, "account_tree", "Model", "Its layers, output shapes and parameters, and the file to keep."),
        (
            shell.EXPLORE,
            "grid_view",
            "Explore",
            "What every layer makes of a picture, down to one sum; why it said so; what if.",
        ),
        (shell.PREDICT, "checkroom", "Predict", "Show it a drawing or photos of your own, and see how it reads them."),
        (shell.LEARN, "school", "Learn", "Every idea of the lecture to touch, with its numbers and a question."),
    ):
        st.page_link(page, label=f"**{title}**", icon=f":material/{icon}:")
        st.caption(what)

st.subheader("In training now")
progress.now_in_training()
