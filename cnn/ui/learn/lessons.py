"""The lessons: which there are, which is chosen, its question, what has been answered, and a link to it for a class."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st

from cnn.lessons import questions
from cnn.lessons.questions import Question
from cnn.runs import Run
from cnn.ui import shell, state
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
        picture: whether it is about a picture that one chooses.
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


def _train(label: str) -> Place:
    return Place(shell.TRAIN, label, {})


_SUMMARY = Place(shell.MODEL, "The table of this network's layers", {})

LESSONS = (
    Lesson(
        "why",
        "Why convolutions",
        "A dense layer connects every unit to every pixel and so has to learn each place of a picture anew. A "
        "convolution looks at a small neighbourhood only (**locality**) and uses the same few weights everywhere "
        "(**shared weights**). That takes far fewer parameters, and a garment that moves stays the same garment.",
        (_SUMMARY, _explore("What one value of a map is connected to")),
    ),
    Lesson(
        "filter",
        "Filter (kernel)",
        "A **filter** or **kernel** is a small grid of weights that slides over the picture. At each place the pixels "
        "under it are multiplied by its weights and added up, and a **bias** is added: one value of the feature map. "
        "What the kernel looks like decides what the map finds.",
        (_explore("The kernels that this network has learned", "Filters"), _explore("Any value of it written out")),
        numbers=True,
    ),
    Lesson(
        "stride",
        "Stride, padding, dilation",
        "The **stride** is how many pixels the window moves at a time. **Padding** is a border of zeros, so that "
        'the window can stand on the edge of the picture: "same" as many as keep the size, "valid" none. **Dilation** '
        "leaves gaps between the weights, so that the window spans more without more weights.",
        (_SUMMARY, _train("Set all three in a network of your own")),
        numbers=True,
    ),
    Lesson(
        "channels",
        "Several channels",
        "A colour picture has three channels, and a layer inside a network takes as many as there are maps before it. "
        "A filter then has a kernel for **each** channel. The products are added up over the window and over all "
        "channels, so one filter still makes one map.",
        (_explore("A value of a deeper layer, channel by channel"), _SUMMARY),
    ),
    Lesson(
        "relu",
        "Feature map and ReLU",
        "All sums of one filter together are its **feature map**. The **activation** then keeps what the filter looks "
        "for: ReLU sets every negative value to zero. Without it, layers of sums would be one sum.",
        (_explore("Any layer before and after its activation"), _train("Choose another activation")),
    ),
    Lesson(
        "pooling",
        "Pooling",
        "**Pooling** makes maps smaller: of each window it keeps the largest value (max) or the mean (average). "
        "**Depthwise** pooling does so across neighbouring maps, **global average** pooling over a whole map. Where "
        "something was found then matters less than that it was found.",
        (_explore("A pooling layer: click a value of it"), _train("Change the pooling of a network")),
    ),
    Lesson(
        "classes",
        "From maps to classes",
        "The last maps become one long vector, and **dense** layers weigh it up to one number for each class, the "
        "**logit**. **Softmax** makes probabilities of the logits, and the **cross-entropy** says how surprised the "
        "network is by the true class. In training, **dropout** silences units at random, so that none is relied on.",
        (_explore("A logit with all its terms"), Place(shell.PREDICT, "The answer to a picture of yours", {})),
    ),
    Lesson(
        "learning",
        "How filters learn",
        "Nobody writes the kernels: they begin at random and are corrected. The **loss** says how far the map is from "
        "the one that was wanted, its **gradient** how each weight moves it, and the weight takes a step against that. "
        "A network does this with all its weights at once, batch after batch.",
        (_train("Watch the kernels of a network while it trains"),),
    ),
    Lesson(
        "field",
        "Receptive field",
        "A value of the first layer sees as many pixels as its kernel has. A value of the next sees a window of such "
        "values, and so more of the picture; pooling and stride make it grow faster. So deep layers can find a sleeve "
        "where the first find edges.",
        (_explore("What a value of this network sees"), _SUMMARY),
    ),
    Lesson(
        "transfer",
        "Transfer learning",
        "What a network has learned to see is of use for other pictures too. Its layers are kept as they are "
        "(**frozen**), and only a new last layer is trained, which takes few examples. Here filters that learned on "
        "clothes read handwritten digits.",
        (_explore("What those filters look for", "Filters"),),
        picture=False,
    ),
    Lesson(
        "large",
        "Large and colour pictures",
        "The same kernel slides over a picture of any size, so a convolution of a large picture in colour needs hardly "
        "more weights than one of a small grey one. What grows are the maps and the multiplications. A dense layer "
        "would need a weight for every one of its pixels.",
        (_SUMMARY,),
    ),
    Lesson(
        "uses",
        "Where CNNs serve, and where they fail",
        "Where neighbours belong together: faces, satellite pictures, written characters, sound as a picture of its "
        "pitches, tags for photos, odd frames in a video. They fail on what training never showed them, and they say "
        "so with confidence. Turn this garment and see.",
        (Place(shell.PREDICT, "Try it with a photo of yours", {}), _explore("Why it was misled", "Why")),
    ),
)
_BY_NAME = {lesson.name: lesson for lesson in LESSONS}


# ---------------------------------------------------------------- which lesson, and how far


def choose(run: Run) -> Lesson:
    """The lesson in the link, with buttons for all of them; a link for a class may leave those out."""
    asked = st.query_params.get("topic") or st.session_state.get(state.LESSON_TOPIC)
    lesson = _BY_NAME.get(asked, LESSONS[0])
    st.session_state[state.LESSON_TOPIC] = st.query_params["topic"] = lesson.name
    done = _done()
    if not controls.is_hidden("topic"):
        st.session_state[state.LESSON_MENU] = lesson.name
        st.pills(
            "Topic",
            list(_BY_NAME),
            required=True,
            format_func=lambda name: f"{_BY_NAME[name].title}{' :material/check:' if name in done else ''}",
            key=state.LESSON_MENU,
            on_change=lambda: _open(st.session_state[state.LESSON_MENU]),
            wrap=True,
        )
        st.progress(len(done) / len(LESSONS), text=f"{len(done)} of {len(LESSONS)} questions answered")
    return lesson


def introduce(lesson: Lesson, run: Run) -> None:
    """Heading, idea, and the ways to where it happens in a real network."""
    st.header(lesson.title, anchor=False)
    st.markdown(lesson.says)
    with st.container(horizontal=True, gap="small"):
        st.caption("In the network:", width="content")
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


def _open(name: str) -> None:
    st.session_state[state.LESSON_TOPIC] = st.query_params["topic"] = name


def _done() -> set[str]:
    """The lessons whose question has been answered: in this visit, or before it by the link."""
    done = st.session_state.setdefault(state.LESSON_DONE, set())
    done |= set(st.query_params.get("done", "").split(".")) & set(_BY_NAME)
    if done:
        st.query_params["done"] = ".".join(name for name in _BY_NAME if name in done)
    return done


# ---------------------------------------------------------------- the question


def ask(lesson: Lesson) -> None:
    """A question on the lesson, made anew each time; a right answer is kept as progress."""
    st.subheader("Predict, then check", anchor=False)
    _question(lesson)


@st.fragment
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
        st.info("Give an answer first: a guess is welcome.", icon=":material/edit:")
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
    with st.popover("Link for a class", icon=":material/share:"):
        st.markdown("Opens this lesson as it is set now. What you hide stays at its present value.")
        labels = {"topic": "The list of topics", **{control.key: control.label for control in controls.offered()}}
        hidden = st.multiselect(
            "Hide", list(labels), format_func=labels.get, key=f"hide-{lesson.name}", placeholder="nothing"
        )
        st.code(controls.link(lesson.name, run.id, hidden), language=None, wrap_lines=True)
    if controls.anything_hidden():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("The link hides some of the controls.")
            st.button("Show all", icon=":material/visibility:", key="show_all", on_click=controls.show_all)
