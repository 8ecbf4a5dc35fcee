"""The lessons: which there are, which is chosen, its question, what has been answered, and a link to it for a class."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnn.lessons import questions
from cnn.lessons.questions import Question
from cnn.runs import Run
from cnn.ui import fragments, links, shell, state
from cnn.ui.learn import controls


@dataclass(frozen=True)
class Place:
    """Where the idea happens in a real network. query: what the link to it says beside the run."""

    page: str
    label: str
    query: Mapping[str, str]


@dataclass(frozen=True)
class Lesson:
    """A topic of the lecture.

    Attributes:
        name: of its module here, of its questions, and in the link.
        title: its heading.
        says: the idea, in three sentences at most.
        places: where to see it in a real network.
        picture: whether it is about an image that one chooses.
        numbers: whether that may be typed numbers as well.
    """

    name: str
    title: str
    says: str
    places: tuple[Place, ...]
    picture: bool = True
    numbers: bool = False


def _explore(label: str, view: str = "Feature maps") -> Place:
    return Place(shell.EXPLORE, label, {"view": view})


def _build(label: str) -> Place:
    return Place(shell.NEW_NETWORK, label, {})


_LAYERS = Place(shell.MODEL, "The layers of this network", {})

LESSONS = (
    Lesson(
        "why",
        "Why convolutions",
        "A dense layer connects every unit to every pixel, so it has to learn each part of the image separately. A "
        "convolution looks only at a small neighbourhood (**locality**) and uses the same few weights everywhere "
        "(**shared weights**). It needs far fewer parameters, and a pattern that it has learned is found wherever it "
        "appears.",
        (_LAYERS, _explore("What one value of a map is connected to")),
    ),
    Lesson(
        "filter",
        "Filter (kernel)",
        "A **filter** or **kernel** is a small grid of weights that slides over the image. At each position the pixels "
        "under it are multiplied by its weights and summed, and a **bias** is added: one value of the feature map. "
        "The weights decide what the map responds to.",
        (_explore("The filters that this network has learned", "Filters"), _explore("Any value of a map written out")),
        numbers=True,
    ),
    Lesson(
        "stride",
        "Stride, padding, dilation",
        "The **stride** is how many pixels the window moves at a time. **Padding** adds a border of zeros so that the "
        'window can reach the edge of the image: "same" adds enough to keep the size, "valid" adds none. **Dilation** '
        "leaves gaps between the weights, so the window covers more pixels with no extra weights.",
        (_LAYERS, _build("Set all three in your own network")),
        numbers=True,
    ),
    Lesson(
        "channels",
        "Multiple channels",
        "A colour image has three channels, and a layer inside a network takes as many as there are maps before it. "
        "A filter has one kernel for **each** channel. The products are summed over the window and over all "
        "channels, so one filter still makes one map.",
        (_explore("A value of a deeper layer, channel by channel"), _LAYERS),
    ),
    Lesson(
        "relu",
        "Feature map and ReLU",
        "All the sums of one filter form its **feature map**. The **activation** then keeps what the filter responds "
        "to: ReLU sets every negative value to zero. Without an activation, any number of layers would amount to a "
        "single linear one.",
        (_explore("Any layer before and after its activation"), _build("Choose another activation")),
    ),
    Lesson(
        "pooling",
        "Pooling",
        "**Pooling** makes maps smaller: it keeps the largest value of each window (max) or the mean (average). "
        "**Depthwise** pooling does this across neighbouring maps, **global average** pooling over a whole map. After "
        "pooling, where a feature was found matters less than that it was found.",
        (_explore("A pooling layer, value by value"), _build("Change the pooling of a network")),
    ),
    Lesson(
        "classes",
        "From maps to classes",
        "The last maps become one long vector, and **dense** layers turn it into one number for each class, the "
        "**logit**. **Softmax** turns the logits into probabilities, and the **cross-entropy** is small if the true "
        "class has a high one. During training, **dropout** sets random units to zero, so the network cannot rely on "
        "any single one.",
        (_explore("A logit with all its terms"), Place(shell.PREDICT, "The prediction for your own image", {})),
    ),
    Lesson(
        "learning",
        "How filters learn",
        "Nobody designs the kernels: they start out random and are corrected step by step. The **loss** measures how "
        "far the map is from the target, its **gradient** tells how each weight changes it, and the weight takes a "
        "step in the opposite direction. A network does this with all its weights at once, batch after batch.",
        (Place(shell.TRAIN, "The kernels of this network as it trained", {}), _build("Train a network and watch")),
    ),
    Lesson(
        "field",
        "Receptive field",
        "A value of the first layer depends on as many pixels as its kernel has weights. A value of the next layer "
        "depends on a window of such values, and so on more of the image; pooling and stride make this **receptive "
        "field** grow faster. So deep layers can find a sleeve where the first ones find edges.",
        (_explore("The receptive field of any value"), _LAYERS),
    ),
    Lesson(
        "transfer",
        "Transfer learning",
        "What a network has learned to see is useful for other images too. Its layers are kept as they are "
        "(**frozen**), and only a new last layer is trained, which needs few examples. Here, filters that were "
        "trained on clothes read handwritten digits.",
        (_explore("What those filters respond to", "Filters"),),
        picture=False,
    ),
    Lesson(
        "large",
        "Image size and colour",
        "The same kernel slides over an image of any size, so a convolution needs hardly more weights for a large "
        "colour image than for a small grey one. What grows are the maps and the number of multiplications. A dense "
        "layer would need a weight for every pixel in every channel.",
        (_LAYERS,),
    ),
    Lesson(
        "uses",
        "Uses and limitations",
        "CNNs work well where neighbouring values belong together: faces, satellite images, handwriting, spectrograms "
        "of sound, photo tagging, anomalies in video. They fail on what they never saw in training, and often with "
        "high confidence. Turn this garment and see.",
        (Place(shell.PREDICT, "Try it with your own photo", {}), _explore("Why it was misled", "Explain")),
    ),
)
_BY_NAME = {lesson.name: lesson for lesson in LESSONS}
# The words come first, as on a phone; on a wide screen they stand to the right of the demo.
_STYLE = """
.st-key-lesson > [data-testid=stLayoutWrapper] > [data-testid=stHorizontalBlock] { flex-direction: row-reverse; }
div:has(> [class*="st-key-hidden-"]), [class*="st-key-hidden-"] { display: none; }
"""


# ---------------------------------------------------------------- which lesson, and how far


def choose() -> Lesson:
    """The lesson in the link, else the one that was open last; the ways to the others, unless the link hides them."""
    asked = st.query_params.get("topic") or st.session_state.get(state.LESSON_TOPIC)
    lesson = _BY_NAME.get(asked, LESSONS[0])
    st.session_state[state.LESSON_TOPIC] = lesson.name
    done = _done()
    links.complete("topic", lesson.name)
    links.complete("done", ".".join(name for name in _BY_NAME if name in done) or None)
    if not controls.is_hidden("topic"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            _stepper(lesson, done)
            with st.container(horizontal=True, vertical_alignment="center", width="content"):
                st.caption(f"{len(done)} of {len(LESSONS)} questions answered", width="content")
                _menu(done)
    return lesson


def columns() -> tuple[DeltaGenerator, DeltaGenerator, DeltaGenerator]:
    """Where the words go, the demo to the left of them (on a phone below), and what needs the whole width."""
    shell.style(_STYLE)
    with st.container(key="lesson"):
        words, demo = st.columns([1, 2], gap="medium")
    return words, demo, st.container()


def introduce(lesson: Lesson, run: Run) -> None:
    """Heading, idea, and the ways to where it happens in a real network."""
    st.header(lesson.title, anchor=False)
    st.markdown(lesson.says)
    with st.container(gap=None):
        for place in lesson.places:
            st.page_link(
                place.page,
                label=place.label,
                icon=":material/arrow_outward:",
                query_params={"run": run.id, **place.query},
            )


def onwards(lesson: Lesson) -> None:
    """Buttons to the lessons before and after."""
    if controls.is_hidden("topic"):
        return
    index = LESSONS.index(lesson)
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        if index:
            before = LESSONS[index - 1]
            st.button(before.title, icon=":material/arrow_back:", key="before", on_click=_open, args=(before.name,))
        if index + 1 < len(LESSONS):
            after = LESSONS[index + 1]
            st.button(
                after.title,
                icon=":material/arrow_forward:",
                icon_position="right",
                key="after",
                on_click=_open,
                args=(after.name,),
            )


def _stepper(lesson: Lesson, done: set[str]) -> None:
    """The numbers of the lessons; a tick where the question was answered."""
    st.session_state[state.LESSON_MENU] = lesson.name
    st.pills(
        "Lesson",
        list(_BY_NAME),
        required=True,
        format_func=lambda name: f"{_number(name)}{' :material/check:' if name in done else ''}",
        key=state.LESSON_MENU,
        on_change=lambda: _open(st.session_state[state.LESSON_MENU]),
        wrap=True,
        label_visibility="collapsed",
        width="content",
    )


def _menu(done: set[str]) -> None:
    """The titles of all lessons."""
    st.menu_button(
        "All lessons",
        list(_BY_NAME),
        format_func=lambda name: (
            f"{_number(name)} · {_BY_NAME[name].title}{' :material/check:' if name in done else ''}"
        ),
        key=state.LESSON_CONTENTS,
        icon=":material/toc:",
        on_click=lambda: _open(st.session_state[state.LESSON_CONTENTS]),
    )


def _number(name: str) -> int:
    return list(_BY_NAME).index(name) + 1


def _open(name: str) -> None:
    """Choose a lesson; for callbacks."""
    links.step("topic", st.session_state[state.LESSON_TOPIC], name)
    st.session_state[state.LESSON_TOPIC] = name
    st.session_state[state.LEARNING_UNTIL] = None


def _done() -> set[str]:
    """The lessons whose question has been answered: in this visit, or before it by the link."""
    done = st.session_state.setdefault(state.LESSON_DONE, set())
    done |= set(st.query_params.get("done", "").split(".")) & set(_BY_NAME)
    return done


# ---------------------------------------------------------------- the question


def ask(lesson: Lesson) -> None:
    """A question on the lesson, a new one for each visitor; a right answer is kept as progress."""
    st.subheader("Predict, then check", anchor=False)
    with st.container(width=shell.TEXT_WIDTH):
        _question(lesson)


@fragments.fragment
def _question(lesson: Lesson) -> None:
    seed = st.session_state.setdefault(state.question_seed(lesson.name), _new_seed())
    question = questions.ask(lesson.name, np.random.default_rng(seed))
    key, checked = state.answer(lesson.name, seed), state.checked_answer(lesson.name, seed)
    with st.form(f"form-{lesson.name}-{seed}", border=True):
        st.markdown(question.text)
        if question.choices:
            given = st.radio("Your answer", question.choices, index=None, key=key)
        else:
            given = st.number_input(
                "Your answer",
                value=None,
                step=1 if not question.decimals else 10.0**-question.decimals,
                format="%d" if not question.decimals else f"%.{question.decimals}f",
                key=key,
                width=220,
                help=f"Rounded to {question.decimals} decimals." if question.decimals else None,
            )
        if st.form_submit_button("Check", icon=":material/check:", type="primary"):
            st.session_state[checked] = given
    if checked in st.session_state:
        _judge(lesson, question, st.session_state[checked])
    st.button("Another question", icon=":material/casino:", key=f"new-{lesson.name}", on_click=_renew, args=(lesson,))


def _judge(lesson: Lesson, question: Question, given: int | float | str | None) -> None:
    """What there is to say about an answer; a first right one moves the progress above."""
    if given is None:
        st.info("Answer first. A guess is fine.", icon=":material/edit:")
        return
    verdict = question.check(given)
    if not verdict.right:
        st.warning(f"Not quite. {verdict.words}", icon=":material/lightbulb:")
        return
    st.success(f"Right. {verdict.words}", icon=":material/check_circle:")
    if lesson.name not in st.session_state[state.LESSON_DONE]:
        st.session_state[state.LESSON_DONE].add(lesson.name)
        st.rerun()


def _renew(lesson: Lesson) -> None:
    st.session_state[state.question_seed(lesson.name)] = _new_seed()


def _new_seed() -> int:
    return int(np.random.default_rng().integers(2**31))


# ---------------------------------------------------------------- a link for a class


def share(lesson: Lesson, run: Run) -> None:
    """A link that opens this lesson with its present values and without the controls that one leaves out."""
    with st.popover("Share lesson", icon=":material/share:"):
        st.markdown("Opens this lesson with the current settings. Controls that you hide keep their current value.")
        labels = {"topic": "The list of lessons", **{control.key: control.label for control in controls.offered()}}
        hidden = st.multiselect(
            "Hide", list(labels), format_func=labels.get, key=f"hide-{lesson.name}", placeholder="Nothing"
        )
        st.code(controls.link(lesson.name, run.id, hidden), language=None, wrap_lines=True)
    if controls.anything_hidden():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("This link hides some of the controls.", width="content")
            st.button("Show all", icon=":material/visibility:", key="show_all", on_click=controls.show_all)
