"""The Lessons page: every lesson on every shipped run, its question, progress, links, and what people mistype."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from _pytest.mark import ParameterSet
from streamlit.testing.v1 import AppTest

from cnn import runs
from cnn.lessons import convolution, kernels, questions, stacks
from cnn.lessons.convolution import Sliding
from cnn.ui.learn.lessons import LESSONS
from tests.pages.visit import open_page, refresh, text
from tests.sampling import one_in

NAMES = [lesson.name for lesson in LESSONS]


def learn(topic: str, run: str = "lecture", **link: str) -> AppTest:
    return open_page("Learn", run, topic=topic, **link)


def heading(app: AppTest) -> str:
    return app.header[0].value


# ---------------------------------------------------------------- all of them


def test_each_lesson_has_a_module_and_questions_and_at_most_three_sentences():
    folder = Path(__file__).parents[2] / "cnn/ui/learn"
    assert set(questions.TOPICS) == set(NAMES)
    for lesson in LESSONS:
        assert (folder / f"{lesson.name}.py").is_file()
        assert 1 <= lesson.says.count(". ") + 1 <= 3 and lesson.places


def on_every_run() -> Iterator[ParameterSet]:
    """The shipped runs take turns from lesson to lesson; the others are slow."""
    for number, topic in enumerate(NAMES):
        for turn, run in enumerate(runs.shipped()):
            soon = turn == number % len(runs.shipped())
            yield pytest.param(topic, run.id, marks=() if soon else pytest.mark.slow)


@pytest.mark.parametrize(("topic", "run"), list(on_every_run()))
def test_every_lesson_opens_on_every_shipped_run(topic, run):
    app = learn(topic, run)
    lesson = next(lesson for lesson in LESSONS if lesson.name == topic)
    assert lesson.title in [header.value for header in app.header]
    assert "Predict, then check" in text(app) and not app.error


def test_an_unknown_topic_is_the_first():
    assert LESSONS[0].title in [header.value for header in learn("nonsense").header]


def test_topics_are_walked_through():
    app = learn(NAMES[1])
    app.button(key="after").click()
    assert LESSONS[2].title in [header.value for header in refresh(app).header]
    app.button(key="before").click()
    assert LESSONS[1].title in [header.value for header in refresh(app).header]


# ---------------------------------------------------------------- questions


def asked(app: AppTest, topic: str) -> questions.Question:
    return questions.ask(topic, np.random.default_rng(app.session_state[f"question-{topic}"]))


def answer(app: AppTest, topic: str, given) -> AppTest:
    key = f"answer-{topic}-{app.session_state[f'question-{topic}']}"
    (app.radio(key=key) if isinstance(given, str) else app.number_input(key=key)).set_value(given)
    next(button for button in app.button if button.label == "Check").click()
    return refresh(app)


@pytest.mark.parametrize("topic", ["stride", "uses"])
def test_a_right_answer_is_kept_as_progress_and_a_wrong_one_is_explained(topic):
    app = learn(topic)
    question = asked(app, topic)
    wrong = next((c for c in question.choices if c != question.answer), None) or question.answer + 17
    answer(app, topic, wrong)
    assert "Not quite" in app.warning[-1].value and question.working in app.warning[-1].value
    assert "done" not in app.query_params

    answer(app, topic, question.answer)
    assert "Right" in app.success[0].value
    assert app.query_params["done"] in (topic, [topic])


def test_no_answer_is_no_wrong_answer():
    app = learn("stride")
    next(button for button in app.button if button.label == "Check").click()
    assert "Answer first" in refresh(app).info[-1].value


def test_another_question_is_another_one():
    app = learn("stride")
    texts = {asked(app, "stride").text}
    for _ in range(4):
        app.button(key="new-stride").click()
        texts.add(asked(refresh(app), "stride").text)
    assert len(texts) > 2


def test_progress_is_read_from_the_link():
    app = learn("why", done="field.stride.nonsense")
    assert "2 of 12 questions answered" in text(app)
    app.button(key="after").click()
    assert refresh(app).query_params["done"] in ("stride.field", ["stride.field"])


# ---------------------------------------------------------------- a link for a class


def test_a_link_opens_a_lesson_with_its_values_and_hides_controls():
    app = learn("stride", stride_kernel="5", stride_stride="3", hide="stride_stride.topic")
    assert app.slider(key="stride_kernel").value == 5
    assert app.slider(key="stride_stride").value == 3  # there, but its container is out of sight
    assert not [e for e in app.get("button_group") if e.label == "Lesson"]
    assert any("st-key-hidden-" in html.proto.body for html in app.get("html"))
    app.button(key="show_all").click()
    refresh(app)
    assert app.slider(key="stride_stride").value == 3 and "hide" not in app.query_params


def test_the_link_names_what_is_set_and_hidden():
    app = learn("stride")
    app.slider(key="stride_stride").set_value(4)
    refresh(app)
    app.multiselect(key="hide-stride").set_value(["stride_kernel"])
    link = refresh(app).code[0].value
    assert "topic=stride" in link and "run=lecture" in link and "hide=stride_kernel" in link


@pytest.mark.slow
def test_another_lesson_is_chosen_by_its_number_or_its_title():
    app = learn("why")
    app.get("button_group")[0].set_value("field")
    assert heading(refresh(app)) == "Receptive field"


def test_a_bare_link_shows_the_lesson_that_was_open_last():
    app = learn("field")
    del app.query_params["topic"]
    assert heading(refresh(app)) == "Receptive field"
    assert app.query_params["topic"] in ("field", ["field"])


def test_a_link_to_another_page_says_what_to_show_there():
    pages = [link.proto for link in learn("uses", "wardrobe").get("page_link")]
    assert {(link.page, link.query_string) for link in pages} == {
        ("Predict", "run=wardrobe"),
        ("Explore", "run=wardrobe&view=Explain"),
    }


NONSENSE = ["inf", "", "nan", "-1e999", "99999999999", "-5", "abc", "☃ é漢", "x" * 5000, "true", "0"]


@pytest.mark.parametrize(
    "nonsense", [*NONSENSE[:1], *(pytest.param(word, marks=pytest.mark.slow) for word in NONSENSE[1:])]
)
@pytest.mark.parametrize("topic", one_in(6, NAMES))
def test_a_link_with_nonsense_in_every_control_opens_the_lesson(topic, nonsense):
    """A control takes its default or what is nearest, or a sentence says what is wrong with a text."""
    keys = {key for control in learn(topic).session_state["lesson_offered"] for key in control.keys}
    assert keys
    app = learn(topic, **dict.fromkeys(keys - {"typed"}, nonsense))
    assert heading(app) == next(lesson.title for lesson in LESSONS if lesson.name == topic)


# ---------------------------------------------------------------- what people set and mistype


@pytest.mark.parametrize("name", [*kernels.NAMES, "learned by this run"])
def test_every_kernel_can_be_chosen(name):
    app = learn("filter", filter_kernel=name, filter_size="5×5")
    assert not app.error


def test_a_kernel_of_ones_own():
    app = learn("filter", filter_kernel="your own", filter_weights="1 2; 3 4")
    assert "a square with an odd edge" in text(app)
    app.text_input(key="filter_weights").set_value("0 0 0; 0 2 0; 0 0 0")
    assert "Your own kernel" in text(refresh(app))


def test_numbers_instead_of_an_image():
    app = learn("filter", typed="true")
    app.text_area(key="numbers").set_value("1 2 3\n4 five 6")
    assert "'five' is not a number" in refresh(app).error[0].value
    app.text_area(key="numbers").set_value("1 2\n3 4")
    assert "The kernel spans 3×3 pixels, but the image with its border has only 2×2" in refresh(app).error[0].value
    app.text_area(key="numbers").set_value("1 2 3\n4 5 6\n7 8 9")
    assert not refresh(app).error


@pytest.mark.parametrize("seed", range(4))
def test_the_size_on_screen_is_that_of_keras(seed):
    import keras

    rng = np.random.default_rng(seed)
    kernel, stride, dilation = (int(n) for n in (rng.integers(1, 6), rng.integers(1, 4), rng.integers(1, 3)))
    if stride > 1:
        dilation = 1
    padding = ["same", "valid"][seed % 2]
    app = learn(
        "stride",
        stride_kernel=str(kernel),
        stride_stride=str(stride),
        stride_dilation=str(dilation),
        stride_padding=padding,
        stride_edge="14×14",
    )
    layer = keras.layers.Conv2D(1, kernel, stride, padding, dilation_rate=dilation)
    size = layer.compute_output_shape((1, 14, 14, 1))[1]
    assert any(f"= {size} \\end" in latex.value for latex in app.latex)
    never = int((convolution.visits((14, 14), Sliding(kernel, stride, padding, dilation)) == 0).sum())
    assert f"{never} of 196 pixels lie in none" in text(app)


def test_a_stack_of_ones_own():
    app = learn("field", field_layers="conv 3")
    app.button(key="field_add_pool 2").click()
    assert refresh(app).text_input(key="field_layers").value == "conv 3, pool 2"
    app.button(key="field_remove").click()
    assert refresh(app).text_input(key="field_layers").value == "conv 3"
    app.button(key="field_own").click()
    own = refresh(app).text_input(key="field_layers").value
    shown = app.table[0].value["Receptive field r"].tolist()
    sizes = [layer.field.size for layer in stacks.follow(stacks.parse(own), 28)]
    assert [int(words.split("= ")[1]) for words in shown] == sizes
    app.text_input(key="field_layers").set_value("conv three")
    assert "is not a layer" in refresh(app).error[0].value


def test_rows_are_counted_from_1_and_the_padding_is_not_seen():
    app = learn("field", field_layers="conv 3 dilation 2")
    app.session_state["field_place"] = (0, 27)
    said = text(refresh(app))
    assert "The value in row 1, column 28 of layer 1 sees rows 1 to 3, columns 26 to 28, with gaps: 2 rows" in said
    assert "counted from 1" in said and "beyond the border" in said
    app.session_state["field_place"] = (13, 13)
    said = text(refresh(app))
    assert "row 14, column 14 of layer 1 sees rows 12 to 16" in said and "beyond the border" not in said


@pytest.mark.parametrize("colour", ["true", "false"])
def test_the_costs_of_a_large_image_are_those_of_keras(colour):
    import keras

    app = learn("large", large_edge="96", large_colour=colour)
    costs = app.table[0].value
    channels = 3 if colour == "true" else 1
    inputs = keras.Input((96, 96, channels))
    convolution = keras.Model(inputs, keras.layers.Conv2D(64, 3, padding="same")(inputs))
    dense = keras.Model(inputs, keras.layers.Dense(64)(keras.layers.Flatten()(inputs)))
    column = costs[f"96×96×{channels}"]
    assert column["parameters of the convolution"] == f"{convolution.count_params():,}"
    assert column["parameters of the dense layer"] == f"{dense.count_params():,}"
    assert column["values of the maps"] == f"{np.prod(convolution.output.shape[1:]):,}"
    assert "and its map, 96×96, with" in text(app), "the map that is shown is the one that is counted"
