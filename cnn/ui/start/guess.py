"""An image that is hard to tell, to be guessed before the network's prediction is shown."""

import numpy as np
import streamlit as st

from cnn import charts, runs
from cnn.evaluation.examples import Examples, read_examples
from cnn.runs import Run
from cnn.ui import figures, links, shell, state

_CHOICES = 4  # classes to choose from
_GARMENTS = 30  # the least certain ones, of those that come with a run
_WIDTH = 230  # screen pixels of the image
_PARAMETER = "garment"  # of the link: the garment's number, from 1


def show(run: Run) -> None:
    """Draw the game. A run without examples of its own plays with those of the shipped one."""
    examples = read_examples(run)
    if examples is None:
        run = runs.get(runs.DEFAULT_ID)
        examples = read_examples(run)
    if examples is None:
        st.info("The example images are damaged. Install the program again.", icon=":material/broken_image:")
        return
    names, thing = run.config.data.card.class_names, _thing(run)
    hardest = hard_to_tell(examples)
    number = _number(len(hardest))
    index = int(hardest[number - 1])
    image, label, probabilities = examples.images[index], int(examples.labels[index]), examples.probabilities[index]
    guesses = st.session_state.setdefault(state.GUESSES, {})
    with st.container(border=True):
        st.subheader("What is this?", anchor=False)
        image_column, guess_column = st.columns([1, 1], gap="medium")
        with image_column:
            height, width, *colours = image.shape
            factor = max(1, -(-_WIDTH // max(height, width)))
            st.image(
                image.repeat(factor, 0).repeat(factor, 1),
                width=_WIDTH,
                alt=f"A {'colour' if colours else 'greyscale'} image of {height} by {width} pixels: {thing} to guess.",
            )
        with guess_column:
            options = choices(probabilities, label)
            guessed = st.pills(
                "Your guess",
                options,
                format_func=lambda option: shell.plain(names[option]),
                key=f"guess-{run.id}-{number}",
                wrap=True,
            )
            if guessed is not None:
                guesses[(run.id, index)] = (guessed, label, int(probabilities.argmax()))
            if (run.id, index) in guesses:
                _verdict(run, guesses[(run.id, index)], probabilities)
            else:
                st.caption(
                    "Guess first: then you see what the network predicts. It has never seen this test image"
                    + (", which was drawn by this program." if shell.synthetic_note(run) else ".")
                )
            st.button(
                f"Another {thing.split()[-1]}",
                icon=":material/casino:",
                key="another_garment",
                on_click=lambda: st.query_params.update({_PARAMETER: str(number % len(hardest) + 1)}),
            )


def _verdict(run: Run, guess: tuple[int, int, int], probabilities: np.ndarray) -> None:
    mine, label, predicted = guess
    names = run.config.data.card.class_names
    yours = "You are right" if mine == label else "Not quite"
    theirs = "is right" if predicted == label else "is wrong"
    st.markdown(
        f"{yours}: it is labelled **{shell.plain(names[label])}**. {shell.plain(run.name)} predicts "
        f"**{shell.plain(names[predicted])}** ({probabilities[predicted]:.0%}) and {theirs}."
    )
    figures.show(
        charts.probabilities(probabilities, names, height=220, true=label),
        key="answer",
        alt=f"Probabilities of the {len(names)} classes; the highest is {names[predicted]}.",
    )
    all_guesses = list(st.session_state[state.GUESSES].values())
    you = sum(mine == label for mine, label, _ in all_guesses)
    network = sum(predicted == label for _, label, predicted in all_guesses)
    st.caption(f"So far: you {you} of {len(all_guesses)}, the network {network} of {len(all_guesses)}.")


def _thing(run: Run) -> str:
    return {"garment": "a garment", "shape": "a digit", "photo": "an image"}[run.config.data.card.reading]


def hard_to_tell(examples: Examples) -> np.ndarray:
    """The indices of the images of which the network is least certain, the least certain ones first."""
    return np.argsort(examples.probabilities.max(axis=1), kind="stable")[:_GARMENTS]


def choices(probabilities: np.ndarray, label: int) -> list[int]:
    """The classes to choose from, in their usual order: the most probable ones, and always the true one.

    Args:
        probabilities: (classes,).
        label: the index of the true class.
    """
    likely = [int(index) for index in np.argsort(-probabilities, kind="stable") if index != label]
    return sorted([label, *likely[: _CHOICES - 1]])


def _number(count: int) -> int:
    """The number of the garment in the link, from 1; the first where there is none."""
    text = st.query_params.get(_PARAMETER, "1")
    number = int(text) if text.isascii() and text.isdigit() else 1
    number = number if 1 <= number <= count else 1
    if text != str(number):
        links.complete(_PARAMETER, str(number))
    return number
