"""The editor of a new run: layers, presets of one's own, import and export, and the way back from every change."""

import json
import re

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cnn import runs
from cnn.config import CLASS_NAMES, INPUT_SHAPE, Data, RunConfig, Training, presets, versions
from cnn.config.layers import (
    KINDS,
    Convolution,
    Dense,
    Flatten,
    GlobalPooling,
    ImpossibleStack,
    Pooling,
    SkipConnection,
    trace,
)
from cnn.data import soft_labels
from cnn.runs import saved_presets
from cnn.ui import draft
from cnn.ui.train import layer_editor
from tests.pages.visit import PAGES, open_page, refresh, text
from tests.sampling import one_in

# What these tests change: three convolutions with pooling between them, in place of what the editor begins with.
FAST = presets()["fast"].model_copy(
    update={
        "data": Data(),
        "layers": (
            Convolution(filters=32, batch_normalisation=True),
            Pooling(),
            Convolution(filters=64, batch_normalisation=True),
            Pooling(),
            Convolution(filters=128, batch_normalisation=True),
            GlobalPooling(mode="max"),
        ),
        "training": presets()["fast"].training.model_copy(update={"weight_decay": Training().weight_decay}),
    }
)


@pytest.fixture(autouse=True)
def three_convolutions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(presets(), "fast", FAST)


@pytest.fixture
def app(launcher) -> AppTest:
    return open_page("New network")


def click(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click()
    return refresh(app)


def enter(app: AppTest, label: str, value: float | None) -> AppTest:
    """Change the number with this label; of several, the first."""
    next(field for field in app.number_input if field.label == label).set_value(value)
    return refresh(app)


def number(app: AppTest, label: str) -> float | None:
    return next(field.value for field in app.number_input if field.label == label)


def kinds(app: AppTest) -> list[str]:
    return [layer["kind"] for layer in app.session_state["draft"]["layers"]]


def uid(app: AppTest, index: int) -> int:
    return app.session_state["draft"]["layers"][index]["uid"]


def rows(app: AppTest) -> list[str]:
    """The titles of the layers' rows."""
    titles = [button.label for button in app.button if (button.key or "").startswith("layer-title-")]
    return [re.sub(r"^:gray\[:material/lock: (.*)\]$", r"\1", title) for title in titles]


def open_rows(app: AppTest) -> list[int]:
    """Which rows show their settings."""
    icons = [button.proto.icon for button in app.button if (button.key or "").startswith("layer-title-")]
    return [index for index, icon in enumerate(icons) if icon == ":material/expand_less:"]


def toggle(app: AppTest, index: int) -> AppTest:
    """Open or close a layer's row."""
    return click(app, f"layer-title-{uid(app, index)}")


def add(app: AppTest, kind: str) -> AppTest:
    app.menu_button(key="add_layer").click(kind)
    return refresh(app)


def choose(app: AppTest, preset: str) -> AppTest:
    """Choose a preset, and show its layers one by one."""
    click(app, f"preset-{preset}")
    return click(app, "transferred_layers") if preset == "transfer" else app


def chosen(app: AppTest) -> str | None:
    """The preset whose card is marked."""
    marked = [b.key for b in app.button if b.proto.icon == ":material/radio_button_checked:"]
    return marked[0].removeprefix("preset-") if marked else None


def figures(app: AppTest) -> list[tuple[str, str]]:
    """Shape and parameters of each row, from the image to the output."""
    words = [caption.value.replace("\N{NO-BREAK SPACE}", "") for caption in app.caption]
    first, last = (next(i for i, word in enumerate(words) if start in word) for start in ("Input:", "Output:"))
    found = [word for word in (*words[first + 1 : last], *words[last + 1 : last + 3]) if not re.search("[a-z]", word)]
    return list(zip(found[::2], found[1::2], strict=True))


def why(app: AppTest) -> str:
    """Why a layer does not fit, as it stands at the layer; empty where all fit."""
    red = [mark.value for mark in app.markdown if mark.value.startswith(":red[") and "material" not in mark.value]
    return re.sub(r"\\|[\u2066-\u2069]|:color\[|^:red\[|\]$", "", red[0]) if red else ""


def summary(app: AppTest) -> str:
    """What the bar beside Start says."""
    return next(mark.value for mark in app.markdown if "MACs per image" in mark.value or "Cannot start" in mark.value)


def started(app: AppTest) -> RunConfig:
    """The configuration that Start training starts."""
    before = {run.id for run in runs.all_runs()}
    click(app, "start")
    (new,) = [run for run in runs.all_runs() if run.id not in before]
    return new.config


def show(app: AppTest, settings: RunConfig) -> AppTest:
    """Import a configuration."""
    return upload(app, "settings.json", saved_presets.to_json(settings).encode())


def upload(app: AppTest, name: str, content: bytes) -> AppTest:
    open_files(app)
    app.file_uploader[0].upload(name, content)
    return refresh(app)


def has_no_errors(app: AppTest) -> bool:
    return not app.error and not why(app) and not app.button(key="start").disabled


# --- the layers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", presets())
def test_the_rows_are_the_networks(app, name):
    choose(app, name)
    settings = presets()[name]
    shape = settings.data.card.input_shape
    traced = trace(settings.layers, shape, len(CLASS_NAMES))
    lines = figures(app)
    if name == "transfer":
        del lines[1]  # of the row that stands for all transferred layers
    assert rows(app) == [f"{index + 1} · {layer}" for index, layer in enumerate(settings.layers)]
    assert len(lines) == len(settings.layers) + 2
    assert lines[0] == ("×".join(map(str, shape)), "") and lines[-1][0] == "10"
    for index, (shape, parameters) in enumerate(lines[1:]):
        own = [row for row in traced if row.layer == index]
        count = sum(row.parameters for row in own)
        assert shape == "×".join(map(str, own[-1].output_shape))
        assert parameters == (f"{count:,}" if count else "")
    assert f"**{sum(row.parameters for row in traced):,}** parameters" in summary(app)
    assert f"**{layer_editor.short(sum(row.macs for row in traced))}** MACs per image" in summary(app)


def test_an_open_layer_tells_what_it_costs_and_sees(app):
    toggle(app, 2)
    words = text(app).replace("\N{NO-BREAK SPACE}", " ")
    assert "Output 14×14×64 · 18,688 parameters · 3.63 M MACs per image · receptive field 8×8" in words


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0"),
        (640, "640"),
        (9_999, "9,999"),
        (10_000, "10 k"),
        (112_896, "113 k"),
        (999_499, "999 k"),
        (999_500, "1 M"),
        (1_940_000, "1.94 M"),
        (28_901_376, "28.9 M"),
        (99_951_000, "100 M"),
        (123_456_789, "123 M"),
        (2_500_000_000, "2.5 G"),
    ],
)
def test_large_counts_are_shown_in_three_digits(count, shown):
    assert layer_editor.short(count) == shown.replace(" ", "\N{NO-BREAK SPACE}")


def test_a_row_follows_a_change_of_a_setting_at_once(app):
    add(app, "convolution")
    before = summary(app)
    enter(app, "Filters", 7)
    enter(app, "Kernel size", 5)
    assert rows(app)[5] == "6 · Conv 7 5×5 same relu" and open_rows(app) == [5]
    assert f"Output 7×7×7 · {7 * (5 * 5 * 128 + 1):,} parameters" in text(app).replace("\N{NO-BREAK SPACE}", " ")
    assert summary(app) != before


# --- adding, moving, duplicating, removing ----------------------------------------------------------------------


@pytest.mark.parametrize("name", one_in(3, [name for name in presets() if name != "transfer"]))
@pytest.mark.parametrize("kind", ["convolution", "pooling", "dense", "dropout"])
def test_what_is_added_to_a_preset_fits_and_is_open(app, name, kind):
    choose(app, name)
    add(app, kind)
    assert has_no_errors(app)
    (index,) = open_rows(app)
    assert kinds(app)[index] == kind
    assert kinds(app)[:index] + kinds(app)[index + 1 :] == [layer.kind for layer in presets()[name].layers]


def test_a_layer_is_added_below_a_card(app):
    toggle(app, 1)
    app.menu_button(key=f"below-{uid(app, 1)}").click("dropout")
    refresh(app)
    assert kinds(app)[:4] == ["convolution", "pooling", "dropout", "convolution"]
    assert open_rows(app) == [1, 2]
    enter(app, "Rate", 0.2)
    assert started(app).layers[2].rate == 0.2


def test_layers_are_moved_from_their_titles(app):
    click(app, f"up-{uid(app, 1)}")
    assert kinds(app)[:3] == ["pooling", "convolution", "convolution"]
    click(app, f"down-{uid(app, 0)}")
    assert started(app).layers == FAST.layers
    app = open_page("New network")
    assert app.button(key=f"up-{uid(app, 0)}").disabled
    assert app.button(key=f"down-{uid(app, 5)}").disabled


def test_an_open_card_stays_open_where_it_is_moved(app):
    moved = uid(app, 2)
    toggle(app, 2)
    enter(app, "Filters", 33)
    click(app, f"up-{moved}")
    assert open_rows(app) == [1]
    assert number(app, "Filters") == 33 and "Conv 33" in rows(app)[1]


def test_a_layer_is_duplicated_with_its_settings(app):
    toggle(app, 4)
    enter(app, "Filters", 48)
    click(app, f"duplicate-{uid(app, 4)}")
    layers = started(app).layers
    assert layers[4] == layers[5] == FAST.layers[4].model_copy(update={"filters": 48})
    assert len(layers) == len(FAST.layers) + 1


def test_a_layer_is_removed_but_never_the_last_one(app):
    for index in (4, 3, 2, 1, 0):
        toggle(app, index)
        click(app, f"remove-{uid(app, index)}")
    assert kinds(app) == ["global pooling"]
    toggle(app, 0)
    assert app.button(key=f"remove-{uid(app, 0)}").disabled
    assert [layer.kind for layer in started(app).layers] == ["global pooling"]


# --- stacks that cannot be --------------------------------------------------------------------------------------


def test_an_impossible_stack_is_explained_at_its_layer_and_mended(app):
    add(app, "dense")
    click(app, f"up-{uid(app, 6)}")
    assert "Layer 6 (Dense 64 relu) needs a vector, but gets 128 feature maps of 7×7" in why(app)
    assert app.button(key="start").disabled and "**Cannot start:** Layer 6" in summary(app)
    assert ":red[:material/block:" in rows(app)[5] and ":red" not in rows(app)[4]
    shapes = [shape for shape, _ in figures(app)]
    assert shapes[5:] == ["7×7×128", "–", "–", "–"], "nothing is known from the layer on that does not fit"
    assert "parameters ·" not in summary(app), "there is no sum of half a network"
    labels = [app.button(key=f"fix-{number}").label for number in range(3)]
    assert labels == ["Insert a flatten layer before it", "Insert a global pooling layer before it", "Remove it"]
    click(app, "fix-2")
    assert has_no_errors(app) and kinds(app) == [layer.kind for layer in FAST.layers]


def test_a_fix_can_lead_to_the_next_thing_that_is_wrong(app):
    add(app, "dense")
    click(app, f"up-{uid(app, 6)}")
    click(app, "fix-0")
    assert kinds(app)[4:] == ["convolution", "flatten", "dense", "global pooling"]
    assert "Layer 8 (Global max pool) needs feature maps" in why(app)
    assert app.button(key="fix-0").label == "Replace layer 6 (Flatten) with it"
    click(app, "fix-1")
    assert has_no_errors(app) and kinds(app)[4:] == ["convolution", "flatten", "dense"]


def test_a_layer_after_the_flatten_is_moved_before_it(app):
    click(app, f"up-{uid(app, 5)}")
    assert "Layer 6 (Conv 128 3×3 same batch norm relu) needs feature maps" in why(app)
    assert app.button(key="fix-0").label == "Move it before layer 5"
    click(app, "fix-0")
    assert has_no_errors(app) and started(app).layers == FAST.layers


def test_a_network_without_a_vector_is_mended_before_its_output(app):
    toggle(app, 5)
    click(app, f"remove-{uid(app, 5)}")
    assert "The output layer needs a vector" in why(app)
    assert figures(app)[-1] == ("–", "")
    click(app, "fix-0")
    assert started(app).layers[-1].kind == "global pooling"


def test_a_setting_that_does_not_fit_is_mended_and_shown(app):
    toggle(app, 4)
    for label, value in (("Stride", 2), ("Dilation", 2)):
        enter(app, label, value)
    assert "stride 2 and dilation 2" in why(app)
    click(app, "fix-1")
    assert has_no_errors(app)
    assert (started(app).layers[4].stride, presets()["fast"].layers[4].stride) == (2, 1)


@pytest.mark.parametrize(
    "stack",
    [
        (Dense(), Flatten()),
        (Flatten(), Convolution()),
        (Pooling(size=16), Pooling(), Flatten()),
        (SkipConnection(), Flatten()),
        (Convolution(filters=1024), Flatten(), Dense(units=4096)),
    ],
)
def test_every_impossible_stack_is_marked_where_the_arithmetic_says(app, stack):
    with pytest.raises(ImpossibleStack) as caught:
        trace(stack, INPUT_SHAPE, len(CLASS_NAMES))
    app.session_state["draft"] = {
        **app.session_state["draft"],
        "layers": [{**layer.model_dump(), "uid": 1000 + index} for index, layer in enumerate(stack)],
    }
    refresh(app)
    assert why(app) == str(caught.value)
    marked = [index for index, title in enumerate(rows(app)) if ":red[:material/block:" in title]
    assert marked == [caught.value.index]


def test_shares_that_leave_no_room_are_refused_beside_the_layers(app):
    enter(app, "Style augmentation (fraction)", 0.7)
    own = presets()["wardrobe"].model_copy(update={"data": Data(own_images=0.5)})
    show(app, own)
    enter(app, "Style augmentation (fraction)", 0.7)
    assert "fill more than 90% of a batch" in app.error[0].value
    assert app.button(key="start").disabled and app.button(key="draft-undo")


# --- undo and redo ----------------------------------------------------------------------------------------------


def test_every_change_can_be_undone_and_redone(app):
    assert app.button(key="draft-undo").disabled and app.button(key="draft-redo").disabled
    states = [app.session_state["draft"]]

    def remember():
        states.append(app.session_state["draft"])

    enter(app, "Epochs", 7)
    remember()
    add(app, "convolution")
    remember()
    enter(app, "Filters", 9)
    remember()
    click(app, f"up-{uid(app, 5)}")
    remember()
    choose(app, "tiny")
    remember()
    show(app, presets()["lenet5"])
    remember()

    def parts(state: dict) -> dict:
        return {name: part for name, part in state.items() if name != "count"}

    snapshots = json.loads(json.dumps([parts(state) for state in states]))
    history = app.session_state["draft_history"]["states"]
    assert json.loads(json.dumps(history))[-3:] == [parts(snapshots[4]), snapshots[5], snapshots[6]]
    assert len(history) == 7
    for expected in reversed(history[:-1]):
        click(app, "draft-undo")
        assert parts(app.session_state["draft"]) == expected
        assert number(app, "Epochs") == expected["training"]["epochs"]
        assert chosen(app) == expected["preset"]
        assert len(rows(app)) == len(expected["layers"])
    assert app.button(key="draft-undo").disabled and number(app, "Epochs") == FAST.training.epochs
    for expected in history[1:]:
        click(app, "draft-redo")
        assert parts(app.session_state["draft"]) == expected
    assert app.button(key="draft-redo").disabled


def test_a_new_change_ends_what_could_be_redone(app):
    enter(app, "Epochs", 7)
    click(app, "draft-undo")
    enter(app, "Epochs", 8)
    assert app.button(key="draft-redo").disabled
    click(app, "draft-undo")
    assert number(app, "Epochs") == FAST.training.epochs


def test_a_value_typed_just_before_a_click_is_kept(app):
    """The browser sends both at once: what was typed, and the click that left the field."""
    next(field for field in app.number_input if field.label == "Epochs").set_value(9)
    add(app, "dropout")
    assert number(app, "Epochs") == 9
    next(field for field in app.number_input if field.label == "Seed").set_value(3)
    click(app, "draft-undo")
    assert number(app, "Seed") == 42 and number(app, "Epochs") == 9 and "dropout" in kinds(app)


def test_looking_changes_nothing(app):
    toggle(app, 0)
    toggle(app, 0)
    assert app.button(key="draft-undo").disabled


def test_the_draft_and_its_history_outlast_another_page(app):
    add(app, "convolution")
    enter(app, "Filters", 9)
    enter(app, "Epochs", 7)
    app.switch_page(f"pages/{PAGES['Runs']}.py")
    refresh(app)
    app.switch_page(f"pages/{PAGES['New network']}.py")
    refresh(app)
    assert number(app, "Epochs") == 7 and "Conv 9" in rows(app)[5]
    click(app, "draft-undo")
    click(app, "draft-undo")
    assert number(app, "Epochs") == FAST.training.epochs and "Conv 32" in rows(app)[5]


# --- the learning rate from outside, and the fields -------------------------------------------------------------


def form_with_buttons() -> None:
    """A page that uses the form as others do: a run's page, and the learning-rate finder."""
    import streamlit as st

    from cnn.config import presets
    from cnn.ui import draft
    from cnn.ui.train import form

    st.session_state["result"], _ = form.configure()
    st.button("Find", key="find", on_click=draft.set_learning_rate, args=(0.0123,))
    st.button("Use", key="use", on_click=draft.load, args=(presets()["lenet5"],))


def test_a_learning_rate_from_outside_is_shown_kept_and_undone():
    app = refresh(AppTest.from_function(form_with_buttons))
    enter(app, "Epochs", 7)
    click(app, "find")
    assert number(app, "Learning rate") == 0.0123 and number(app, "Epochs") == 7
    assert app.session_state["result"].training.learning_rate == 0.0123
    enter(app, "Learning rate", 0.5)
    assert app.session_state["result"].training.learning_rate == 0.5
    click(app, "draft-undo")
    click(app, "draft-undo")
    assert number(app, "Learning rate") == FAST.training.learning_rate and number(app, "Epochs") == 7


def test_a_runs_settings_are_put_into_the_form():
    app = refresh(AppTest.from_function(form_with_buttons))
    enter(app, "Epochs", 7)
    click(app, "use")
    assert app.session_state["result"] == presets()["lenet5"]
    click(app, "draft-undo")
    assert number(app, "Epochs") == 7


def test_empty_numbers_say_what_empty_means(app):
    placeholders = {field.label: field.proto.placeholder for field in app.number_input if field.value is None}
    assert placeholders == {"Training examples": "all", "Early stopping: patience (epochs)": "off"}
    add(app, "pooling")
    assert next(field for field in app.number_input if field.label == "Stride").proto.placeholder == "as the window"
    enter(app, "Early stopping: patience (epochs)", 3)
    next(toggle for toggle in app.toggle if toggle.label == "TensorBoard event files").set_value(True)
    refresh(app)
    training = started(app).training
    assert training.patience == 3 and training.tensorboard


# --- presets of one's own ---------------------------------------------------------------------------------------


def save_as(app: AppTest, name: str) -> AppTest:
    app.session_state["save_popover"] = True
    refresh(app)
    app.text_input(key="preset_name").set_value(name)
    return click(app, "save_preset")


def test_settings_are_saved_as_a_preset_chosen_again_and_deleted(app):
    add(app, "convolution")
    enter(app, "Epochs", 7)
    save_as(app, "My net")
    saved = saved_presets.find("my-net")
    assert saved.training.epochs == 7 and len(saved.layers) == 7
    assert chosen(app) == "my-net"
    choose(app, "tiny")
    choose(app, "my-net")
    assert started(app) == saved

    other = open_page("New network")
    choose(other, "my-net")
    click(other, "delete_preset")
    assert saved_presets.own() == ({}, []) and "Custom settings" in text(other)
    assert started(other).layers == saved.layers, "the settings stay"


def test_a_preset_is_overwritten_after_a_question(app):
    save_as(app, "mine")
    enter(app, "Epochs", 7)
    save_as(app, "Mine")
    assert saved_presets.find("mine").training.epochs == FAST.training.epochs
    assert "already" in app.warning[0].value and app.button(key="save_preset").label == "Overwrite"
    click(app, "save_preset")
    assert saved_presets.find("mine").training.epochs == 7


@pytest.mark.parametrize(("name", "words"), [("", "needs letters"), ("Tiny", "choose another name"), ("网", "letters")])
def test_a_name_that_cannot_be_is_explained(app, name, words):
    save_as(app, name)
    assert words in app.error[0].value
    assert saved_presets.own() == ({}, [])


def test_an_impossible_stack_cannot_be_saved_or_exported(app):
    click(app, f"up-{uid(app, 5)}")
    assert next(p for p in app.get("popover") if "Save" in p.proto.popover.label).proto.popover.disabled
    app.session_state["files_popover"] = True
    refresh(app)
    assert not app.get("download_button") and app.file_uploader


def test_a_folder_that_cannot_be_written_is_said(app, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(saved_presets, "write_text", full)
    save_as(app, "mine")
    assert "No space left on device" in app.error[0].value


def test_a_broken_preset_file_is_passed_over_with_a_sentence(app, runs_folder):
    (runs_folder / ".presets").mkdir(parents=True)
    (runs_folder / ".presets" / "odd.json").write_text("{")
    refresh(app)
    assert r"The preset file odd.json is passed over. It is not JSON." in text(app)
    assert [b.key for b in app.button if (b.key or "").startswith("preset-")] == [f"preset-{n}" for n in presets()]


def test_a_preset_deleted_in_another_window_is_said(app):
    saved_presets.save("mine", FAST)
    refresh(app)
    saved_presets.delete("mine")
    choose(app, "mine")
    assert "There is no preset 'mine'" in app.error[0].value
    assert chosen(app) == "fast"


# --- import and export ------------------------------------------------------------------------------------------


@pytest.fixture
def downloads(monkeypatch) -> dict[str, str]:
    """What the download buttons hand out, by their key: a test has no browser that could fetch it."""
    handed: dict[str, str] = {}
    original = st.download_button

    def remember(label, data, *arguments, key, **options):
        handed[key] = data
        return original(label, data, *arguments, key=key, **options)

    monkeypatch.setattr(st, "download_button", remember)
    return handed


def open_files(app: AppTest) -> AppTest:
    app.session_state["files_popover"] = True
    return refresh(app)


def test_the_configuration_is_exported_as_json_and_as_a_script(app, downloads):
    enter(app, "Epochs", 7)
    open_files(app)
    exported = RunConfig.model_validate_json(downloads["export_json"])
    assert downloads["export_json"] == saved_presets.to_json(exported)
    assert exported == FAST.model_copy(update={"training": FAST.training.model_copy(update={"epochs": 7})})
    compile(downloads["export_script"], "fast.py", "exec")
    assert "export_soft_labels" not in downloads, "of a preset without distillation"
    assert "keras" in downloads["export_script"]


def test_the_soft_labels_are_exported_beside_a_script_that_needs_them(app, downloads):
    show(app, FAST.model_copy(update={"data": Data(distillation=0.5)}))
    open_files(app)
    assert downloads["export_soft_labels"]() == soft_labels.FILE.read_bytes()
    assert 'np.load("fashion-mnist.npz")' in downloads["export_script"]


def test_what_is_exported_can_be_imported(app, downloads):
    settings = RunConfig(
        data=Data(limit=700, flip=True, own_images=0.25),
        layers=(Convolution(filters=5), Pooling(), Flatten(), Dense(units=9)),
        training=Training(patience=4, tensorboard=True, learning_rate=0.0007),
    )
    show(app, settings)
    assert not app.session_state["files_popover"], "the popover closes"
    assert number(app, "Learning rate") == 0.0007 and number(app, "Training examples") == 700
    open_files(app)
    assert RunConfig.model_validate_json(downloads["export_json"]) == settings
    assert started(app) == settings


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "It is not JSON"),
        (b"\xff\xfe\x00", "It is not JSON. Byte 3 is not UTF-16 text"),
        (b'{"version": 3, "layers": []}', "newer version"),
        (b'{"layers": [{"kind": "dense"}]}', "needs a vector"),
        (b'{"layers": [{"kind": "attention"}]}', "attention"),
        pytest.param(b" " * 300_000, "300,000 bytes", id="large"),
    ],
)
def test_a_file_that_cannot_be_imported_is_explained_and_changes_nothing(app, content, words):
    enter(app, "Epochs", 7)
    upload(app, "odd*file.json", content)
    assert words in app.error[0].value.replace("\\", "") and r"odd\*file.json is not imported" in app.error[0].value
    assert number(app, "Epochs") == 7 and started(app).layers == FAST.layers


def test_the_numbers_of_layers_are_never_used_twice(app):
    add(app, "convolution")
    show(app, presets()["tiny"])
    click(app, "draft-undo")
    add(app, "dropout")
    numbers = [layer["uid"] for state in app.session_state["draft_history"]["states"] for layer in state["layers"]]
    by_number = {}
    for state in app.session_state["draft_history"]["states"]:
        for layer in state["layers"]:
            by_number.setdefault(layer["uid"], set()).add(layer["kind"])
    assert len(set(numbers)) > 6 and all(len(found) == 1 for found in by_number.values())
    assert draft.place({"uid": 3}) == "layer-3"


def test_a_page_that_was_open_while_the_fields_were_renamed_goes_on(app):
    """The session outlasts an update of the program: its draft has the names of before."""
    enter(app, "Random erasing (probability)", 0.3)
    old_names = versions.renamed_data({old: old for old in ("warp", "erase", "restyled", "strange", "own")})
    for state in (app.session_state["draft"], *app.session_state["draft_history"]["states"]):
        state["data"] = {old_names.get(name, name): value for name, value in state["data"].items()}
    refresh(app)
    assert not app.exception and number(app, "Random erasing (probability)") == 0.3
    click(app, "draft-undo")
    assert not app.exception and number(app, "Random erasing (probability)") == 0.0


# --- presets, their facts, and what a link holds ----------------------------------------------------------------


def facts(app: AppTest) -> list[list[str]]:
    """What the cards say: parameters, accuracy and time of each preset."""
    captions = [c.value for c in app.caption if c.value.startswith(":material/tune:")]
    return [[re.sub(r":material/\w+: ", "", line).strip() for line in caption.splitlines()] for caption in captions]


def test_presets_tell_their_facts_before_one_is_chosen(app):
    shown = dict(zip(presets(), facts(app), strict=True))
    assert shown["fast"] == ["94,634 parameters", "92.5% test accuracy", "48 s on 2 cores"]
    assert shown["wardrobe"] == ["881,130 parameters", "93.8% test accuracy", "39 min on 2 cores"]
    assert shown["record"][:2] == ["3,403,082 parameters", "test accuracy not measured"]
    titles = [b.label.strip("*") for b in app.button if (b.key or "").startswith("preset-")]
    assert titles == [
        "Lecture",
        "Wardrobe",
        "Fast",
        "Accurate",
        "Record",
        "LeNet-5",
        "Dense baseline",
        "Tiny",
        "Transfer",
    ]


def test_a_saved_preset_tells_what_its_own_run_came_to(app):
    enter(app, "Epochs", 7)
    save_as(app, "mine")
    assert facts(app)[-1] == ["94,634 parameters", "test accuracy not measured", "1 min 52 s on 2 cores"]
    run = runs.create(saved_presets.find("mine"))
    (run.path / "model.keras").touch()
    runs.write_status(run.path, runs.Status("finished", epoch=7, seconds=70.0))
    runs.write_json(run.path / "evaluation.json", {"split": "test", "n": 10, "accuracy": 0.5, "loss": 0.3})
    refresh(app)
    assert facts(app)[-1] == ["94,634 parameters", "50.0% test accuracy", "about 1 min 10 s here"]
    assert facts(app)[2][2] == "about 30 s here"


def test_a_preset_that_is_changed_says_so(app):
    assert "Chosen" in text(app) and "Changed" not in text(app)
    enter(app, "Epochs", 7)
    assert "Changed" in text(app)
    click(app, "draft-undo")
    assert "Changed" not in text(app)


def link(app: AppTest) -> dict[str, str]:
    """What the link says of the settings."""
    found = {name: app.query_params[name] for name in ("preset", "network") if name in app.query_params}
    return {name: value if isinstance(value, str) else value[-1] for name, value in found.items()}


def test_the_settings_survive_a_reload(app):
    assert link(app) == {}
    choose(app, "tiny")
    assert link(app) == {"preset": "tiny"}
    add(app, "separable convolution")
    enter(app, "Epochs", 7)
    assert list(link(app)) == ["network"]
    again = open_page("New network", **link(app))
    assert kinds(again) == kinds(app) and number(again, "Epochs") == 7 and chosen(again) == "tiny"
    assert again.button(key="draft-undo").disabled, "the history begins with the visit"
    assert link(again) == link(app)
    assert chosen(open_page("New network", preset="lenet5")) == "lenet5"


def test_an_invalid_network_survives_a_reload(app):
    click(app, f"up-{uid(app, 5)}")
    again = open_page("New network", **link(app))
    assert why(again) == why(app) != ""


def test_a_link_that_arrives_is_followed_and_an_old_one_of_this_visit_is_not(app):
    choose(app, "tiny")
    enter(app, "Epochs", 7)
    app.query_params["preset"] = "tiny"  # the browser has not heard of the change yet
    app.query_params.pop("network")
    refresh(app)
    assert number(app, "Epochs") == 7 and list(link(app)) == ["network"]
    app.query_params.pop("network")
    app.query_params["preset"] = "lenet5"  # Forward, or typed
    refresh(app)
    assert chosen(app) == "lenet5" and kinds(app) == [layer.kind for layer in presets()["lenet5"].layers]
    click(app, "draft-undo")
    assert number(app, "Epochs") == 7, "what was there is a step back"


@pytest.mark.parametrize(
    ("bad", "words"),
    [({"preset": "nothing"}, "There is no preset 'nothing'"), ({"network": "eNq"}, "copy the whole link")],
)
def test_a_bad_link_is_said_and_the_first_preset_shown(launcher, bad, words):
    app = open_page("New network", **bad)
    assert words in app.warning[0].value.replace("\\", "") and "Showing Fast instead" in app.warning[0].value
    assert chosen(app) == "fast" and has_no_errors(app)
    choose(app, "tiny")
    assert not app.warning


def test_weight_decay_is_shown_where_it_has_an_effect_or_was_set(app):
    def shown() -> bool:
        return "Weight decay" in [field.label for field in app.number_input]

    assert shown()
    next(box for box in app.selectbox if box.label == "Optimizer").set_value("adam")
    refresh(app)
    assert not shown()
    choose(app, "accurate")
    next(box for box in app.selectbox if box.label == "Optimizer").set_value("sgd")
    refresh(app)
    assert shown(), "0.05 is not the default"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_layer_can_be_added_and_started_or_mended(app, kind):
    add(app, kind)
    assert kind in kinds(app)
    if kind in ("flatten", "global pooling"):  # there is a layer of that place already
        assert app.button(key="fix-0").label == "Replace layer 6 (Global max pool) with it"
        click(app, "fix-0")
    assert has_no_errors(app) and kind in [layer.kind for layer in started(app).layers]


def test_a_skip_connection_is_added_with_what_it_needs(app):
    add(app, "skip connection")
    (skip,) = [layer for layer in started(app).layers if layer.kind == "skip connection"]
    assert skip.projection


def test_a_run_is_named_after_its_preset(app):
    choose(app, "lenet5")
    click(app, "start")
    assert runs.all_runs()[0].name == "LeNet-5"
