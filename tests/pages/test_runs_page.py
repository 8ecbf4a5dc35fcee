"""The Runs page: what it lists, finds, labels, compares, deletes, and how a selection follows its runs."""

import json
from dataclasses import replace

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cnn import runs
from cnn.config import RunConfig, presets
from cnn.runs import Run
from cnn.tuning import Setting, SweepConfig, Trial, sweeps
from cnn.ui.runs import bin_view, comparison, table
from cnn.ui.runs.table import View
from tests.pages.visit import PROJECT, make_run, open_page, refresh, run_in_link, text

EPOCH = {"kind": "epoch", "epoch": 1, "loss": 1, "accuracy": 0.6, "val_loss": 0.9, "val_accuracy": 0.7, "seconds": 60}


def make(name: str, learning_rate: float = 0.01, accuracies: tuple[float, ...] = (0.5, 0.7), **labels) -> Run:
    """A stopped run of the tiny preset with the validation accuracies of its epochs."""
    values = presets()["tiny"].model_dump()
    values["training"]["learning_rate"] = learning_rate
    run = runs.create(RunConfig.model_validate(values), name)
    lines = [EPOCH | {"epoch": n, "val_accuracy": value, "seconds": 60 * n} for n, value in enumerate(accuracies, 1)]
    (run.path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    runs.write_summary(run.path)
    runs.write_status(run.path, runs.Status("stopped", created=1e9, epoch=len(accuracies), steps=5, seconds=90.0))
    runs.relabel(run, **labels)
    return runs.read(run.path)


def select(app: AppTest, *chosen: Run) -> AppTest:
    """Tick rows; a test has no grid to click on."""
    app.session_state["selected_runs"] = [run.id for run in chosen]
    return refresh(app)


def names(app: AppTest) -> list[str]:
    return list(app.dataframe[0].value["Name"])


def click(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click()
    return refresh(app)


def disabled(app: AppTest) -> dict[str, bool]:
    return {b.key: b.disabled for b in [*app.button, *app.menu_button] if b.key.endswith("_selected")}


def more(app: AppTest, action: str) -> AppTest:
    """Choose from the menu of what is needed more rarely."""
    app.menu_button(key="more_selected").click(action)
    return refresh(app)


def delete(app: AppTest) -> AppTest:
    return click(more(app, "Delete…"), "confirm_delete")


def click_name(app: AppTest, row: int) -> AppTest:
    """Click a name in the table; a test has no grid to click on."""
    app.session_state["opened_run"] = list(app.dataframe[0].value["ID"])[row]
    return refresh(app)


SHIPPED = ["Wardrobe", "Photos", "Lecture", "Dense"]


# --- the table --------------------------------------------------------------------------------------------------


def test_without_runs_it_says_what_to_do():
    app = open_page("Runs")
    assert "You have no runs yet" in text(app)
    assert sorted(names(app)) == sorted(SHIPPED)


def test_every_run_has_its_settings_results_and_curve():
    run = make("One", 0.003, (0.5, 0.7, 0.6), tags=["sweep"], note="Look again.")
    app = open_page("Runs")
    row = app.dataframe[0].value.set_index("ID").loc[run.id]
    assert (row["State"], row["Epochs"], row["Dataset"], row["Batch size"]) == (
        "stopped",
        "3 of 3",
        "fashion-mnist",
        64,
    )
    assert row["Learning rate"] == 0.003 and row["Parameters"] == 1546 and row["Note"] == "Look again."
    assert row["Best val. accuracy"] == pytest.approx(70) and list(row["Tags"]) == ["sweep"]
    assert list(row["Validation curve"]) == pytest.approx([0.5, 0.7, 0.6])
    assert row["Training time"].total_seconds() == 90
    assert row["Size on disk"] == sum(file.stat().st_size for file in run.path.iterdir())
    assert not app.info


def test_damaged_runs_are_listed_with_their_problem_and_can_be_deleted():
    good, bad = make("Good"), make("Bad")
    (bad.path / "config.json").write_bytes(b"\x00\xff")
    app = open_page("Runs")
    rows = app.dataframe[0].value.set_index("ID")
    assert rows.loc[bad.id, "State"] == "damaged" and "config.json is not one" in rows.loc[bad.id, "Problem"]
    select(app, bad)
    assert "This run is damaged" in app.warning[0].value
    delete(app)
    assert [run.id for run in runs.all_runs()] == [good.id]


def test_the_filters_work_together_and_say_when_nothing_is_left():
    make("Wide", tags=["sweep"])
    make("Narrow", tags=["sweep", "small"])
    make("Other", note="Also wide.")
    app = open_page("Runs")
    app.text_input(key="runs-search").set_value("WIDE")
    assert sorted(names(refresh(app))) == ["Other", "Wide"]
    app.multiselect(key="runs-tag").set_value(["sweep"])
    assert names(refresh(app)) == ["Wide"]
    app.multiselect(key="runs-state").set_value(["finished"])
    refresh(app)
    assert not app.dataframe and "No runs match. Clear some filters." in app.info[0].value
    app.text_input(key="runs-search").set_value("")
    app.multiselect(key="runs-tag").set_value([])
    assert sorted(names(refresh(app))) == sorted(SHIPPED)


def test_a_filter_lets_go_of_a_tag_that_no_run_has_any_more():
    run = make("One", tags=["old"])
    app = open_page("Runs")
    app.multiselect(key="runs-tag").set_value(["old"])
    assert names(refresh(app)) == ["One"]
    runs.relabel(run, tags=["new"])
    assert names(refresh(app))[0] == "One" and app.multiselect(key="runs-tag").value == []


def test_the_order_is_kept_while_other_pages_are_visited():
    make("b", accuracies=(0.95, 0.2))
    make("a", accuracies=(0.8,))
    app = open_page("Runs")
    app.selectbox(key="runs-order").select("Best val. accuracy")
    ordered = ["b", "Wardrobe", "Lecture", "Dense", "Photos", "a"]
    assert names(refresh(app)) == ordered
    app.switch_page("pages/0_Start.py")
    refresh(app)
    app.switch_page("pages/5_Runs.py")
    assert names(refresh(app)) == ordered


@pytest.mark.parametrize("order", table.ORDERS)
def test_every_order_takes_runs_that_lack_the_value(order):
    one, bad = make("One", accuracies=(0.5,)), make("Bad")
    bare = runs.create(presets()["tiny"], "Bare")
    (bad.path / "status.json").unlink()
    shown = View(order=order).of(runs.listed())
    assert {run.id for run in shown} == {one.id, bad.id, bare.id, "wardrobe", "photos", "lecture", "dense"}


def test_filters_are_cleared_at_once():
    make("One")
    app = open_page("Runs")
    app.text_input(key="runs-search").set_value("nothing like that")
    refresh(app)
    click(app, "clear_filters")
    assert "One" in names(app)


def test_trials_stand_together_under_their_sweep():
    rates = Setting(path="training.learning_rate", values=(0.01, 0.1))
    first = make("lr 0.01 · Rates")
    between = make("Between")
    second = make("lr 0.1 · Rates")
    sweep = sweeps.create(SweepConfig(base=presets()["tiny"], method="grid", settings=(rates,), name="Rates"))
    trials = [
        Trial(n, {rates.path: rate}, "finished", run.id, (0.5,))
        for n, rate, run in ((1, 0.01, first), (2, 0.1, second))
    ]
    sweeps.write_trials(sweep.path, trials, {})
    app = open_page("Runs")
    table = app.dataframe[0].value.set_index("Name")
    assert names(app)[:3] == ["lr 0.1", "lr 0.01", "Between"]
    assert table.loc["lr 0.1", "Sweep"] == "Rates" and not isinstance(table.loc["Between", "Sweep"], str)
    app.multiselect(key="runs-sweep").set_value(["Rates"])
    assert names(refresh(app)) == ["lr 0.1", "lr 0.01"]
    assert comparison.labels([first, second]) == ["lr 0.01", "lr 0.1"]
    assert comparison.labels([first, between]) == ["lr 0.01 · Rates", "Between"]


# --- the selection ----------------------------------------------------------------------------------------------


def test_a_selection_follows_its_run_when_others_come_and_go():
    first, second = make("First"), make("Second")
    app = select(open_page("Runs"), first)
    chosen = json.loads(app.dataframe[0].proto.selection_default)["selection"]["rows"]
    assert names(app)[chosen[0]] == "First"
    runs.delete(second)
    make("Third")
    make("Fourth")
    refresh(app)
    chosen = json.loads(app.dataframe[0].proto.selection_default)["selection"]["rows"]
    assert [names(app)[row] for row in chosen] == ["First"] and "1 selected" in text(app)


def test_what_is_filtered_away_is_not_acted_upon_but_stays_selected():
    keep, gone = make("Keep"), make("Gone")
    app = select(open_page("Runs"), keep, gone)
    app.text_input(key="runs-search").set_value("gone")
    refresh(app)
    assert "1 selected" in text(app)
    delete(app)
    assert [run.name for run in runs.all_runs()] == ["Keep"]
    app.text_input(key="runs-search").set_value("")
    assert "1 selected" in text(refresh(app))


def test_ticking_rows_keeps_what_is_elsewhere(monkeypatch):
    state = {"grid": {"selection": {"rows": [1, 7]}}, "selected_runs": ["a", "elsewhere"]}
    monkeypatch.setattr(st, "session_state", state)
    table._select("grid", ["a", "b", "c"])  # row 7 is of a longer list that is no more
    assert state["selected_runs"] == ["elsewhere", "b"] and state["selection_changed"]


def test_open_shows_the_run_on_the_train_page():
    run = make("One")
    app = open_page("Runs")
    assert all(disabled(app).values())
    select(app, run)
    assert [key for key, off in disabled(app).items() if off] == ["compare_selected"]
    click(app, "open_selected")
    assert app.title[0].value == "Training" and run_in_link(app) == run.id


def test_a_click_on_a_name_opens_the_run():
    make("One"), make("Two")
    app = open_page("Runs")
    two = names(app).index("Two")
    click_name(app, two)
    assert app.title[0].value == "Training" and runs.get(run_in_link(app)).name == "Two"


def test_a_clicked_name_is_taken_over(monkeypatch):
    state = {"runs-open": {"row": 1, "label": "b"}}
    monkeypatch.setattr(st, "session_state", state)
    table._open(["a", "b"])
    assert state["opened_run"] == "b"
    state["runs-open"] = {"row": 7, "label": "of a longer list that is no more"}
    table._open(["a", "b"])
    assert state["opened_run"] == "b"


@pytest.mark.parametrize("name", ["[a, b]", ":material/delete: me", "[x](y)"])
def test_names_stand_in_the_table_as_they_were_typed(name):
    make(name)
    shown = names(open_page("Runs"))[0]
    assert shown == f"\u200b{name}", "else the table would draw an icon or a menu"


# --- labels -----------------------------------------------------------------------------------------------------


def test_a_run_gets_a_name_tags_and_a_note():
    run = make("One", tags=["old"])
    app = select(open_page("Runs"), run)
    click(app, "label_selected")
    app.text_input(key=f"label-name-{run.id}").set_value("  Better  name ")
    app.multiselect(key=f"label-tags-{run.id}").set_value(["old", "sweep"])
    app.text_area(key=f"label-note-{run.id}").set_value("Two\nlines")
    click(app, "save_label")
    found = runs.get(run.id)
    assert (found.name, found.tags, found.note) == ("Better name", ("old", "sweep"), "Two\nlines")


def test_tags_are_added_to_several_and_removed():
    one, two = make("One", tags=["old", "a"]), make("Two")
    app = select(open_page("Runs"), one, two)
    click(app, "label_selected")
    app.multiselect(key="tags-added").set_value(["a"])
    app.multiselect(key="tags-removed").set_value(["old"])
    click(app, "save_label")
    assert runs.get(one.id).tags == ("a",) == runs.get(two.id).tags


def test_hidden_runs_leave_the_list_and_come_back():
    one, two = make("One"), make("Two")
    app = select(open_page("Runs"), one)
    more(app, "Hide")
    assert "One" not in names(app) and "Two" in names(app) and runs.get(one.id).hidden
    assert "5 of 6 runs" in text(app)
    app.toggle(key="runs-hidden").set_value(True)
    refresh(app)
    assert "One" in names(app)
    more(app, "Show again")
    assert not runs.get(one.id).hidden and not runs.get(two.id).hidden


def test_shipped_runs_can_be_opened_and_compared_but_not_changed():
    app = select(open_page("Runs"), runs.get("lecture"))
    off = disabled(app)
    assert not off["open_selected"] and off["label_selected"]
    assert app.menu_button(key="more_selected").options == [
        ":material/tune: Duplicate settings",
        ":material/scatter_plot: Run a sweep from this",
        ":material/autorenew: Retrain with other images",
        ":material/tune: Fine-tune",
    ]
    select(app, runs.get("lecture"), runs.get("wardrobe"))
    assert "2 selected, 2 of them from the program" in text(app) and len(app.get("plotly_chart")) == 2


def test_a_run_is_fine_tuned_from_the_menu(launcher):
    app = select(open_page("Runs"), runs.get("lecture"))
    more(app, "Fine-tune")
    transfer = app.session_state["draft"]["transfer"]
    assert (transfer["source"], transfer["output"], transfer["layers"]) == ("lecture", True, 13)


# --- deleting ---------------------------------------------------------------------------------------------------


def test_several_are_deleted_at_once_and_all_come_back():
    made = [make(f"Run {number}") for number in range(3)]
    app = open_page("Runs", made[1].id)
    select(app, *made[:2])
    delete(app)
    assert [run.id for run in runs.all_runs()] == [made[2].id] and run_in_link(app) == runs.DEFAULT_ID
    assert "Deleted: 2 runs" in text(app) and "selected" not in text(app).split("Deleted: 2 runs")[1]
    assert "It stays in the bin for 30 days." in text(app) and not app.warning
    click(app, "undo")
    assert {run.id for run in runs.all_runs()} == {run.id for run in made}
    assert run_in_link(app) == made[1].id and "Deleted" not in text(app)


def test_a_run_in_training_is_not_deleted_and_neither_is_what_is_with_it():
    busy, other = make_run("queued"), make("Other")
    app = select(open_page("Runs"), busy, other)
    more(app, "Delete…")
    assert "**a queued run** is still training" in app.warning[0].value
    assert "confirm_delete" not in [button.key for button in app.button]
    assert len(runs.all_runs()) == 2


def test_what_another_window_deleted_first_is_a_sentence():
    one, two = make("One"), make("Two")
    app = select(open_page("Runs"), one)
    more(app, "Delete…")
    runs.delete(one)
    click(app, "confirm_delete")
    assert "Already deleted, in another window." in app.info[0].value
    assert runs.is_in_bin(one.id) and [run.id for run in runs.all_runs()] == [two.id]
    click(app, "cancel_delete")
    select(app, two)
    click(app, "label_selected")
    app.text_input(key=f"label-name-{two.id}").set_value("Too late")
    runs.delete(two)
    click(app, "save_label")
    assert not app.exception and runs.all_runs() == []


def bin_of(app: AppTest) -> AppTest:
    app.segmented_control(key="runs-view").set_value("Bin")
    return refresh(app)


def tick_in_bin(app: AppTest, *rows: int) -> AppTest:
    """Tick rows of the bin, as the grid does."""
    key = f"bin-{hash(tuple(bin_view.items()))}"
    app.session_state[key] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
    return refresh(app)


def test_the_bin_gives_back_what_was_deleted_earlier():
    first, second, third = (make(name) for name in ("First", "Second", "Third"))
    for run in (first, second, third):
        runs.delete(run)
    app = bin_of(open_page("Runs"))
    table = app.dataframe[0].value
    assert set(table["Name"]) == {"First", "Second", "Third"} and set(table["Kind"]) == {"Run"}
    assert app.button(key="restore").disabled and app.button(key="erase").disabled
    row = list(table["Name"]).index("First")
    tick_in_bin(app, row)
    click(app, "restore")
    assert runs.all_runs() == [first] and set(app.dataframe[0].value["Name"]) == {"Second", "Third"}


def test_what_is_deleted_for_ever_is_asked_about_and_gone():
    first, second = make("First"), make("Second")
    runs.delete(first, second)
    app = bin_of(open_page("Runs"))
    row = list(app.dataframe[0].value["Name"]).index("First")
    tick_in_bin(app, row)
    click(app, "erase")
    assert "**First**" in text(app) and "This cannot be undone." in text(app)
    click(app, "cancel_erase")
    assert runs.is_in_bin(first.id)
    tick_in_bin(app, row)
    click(app, "erase")
    click(app, "confirm_erase")
    assert not runs.is_in_bin(first.id) and runs.is_in_bin(second.id)
    click(app, "empty_bin")
    click(app, "confirm_erase")
    assert runs.deleted() == [] and "The bin is empty" in text(app)


def test_the_dialog_is_bound_to_its_runs():
    """Whatever becomes newest, or current, or selected meanwhile."""
    one, two = make("One"), make("Two")
    app = select(open_page("Runs", one.id), one)
    more(app, "Delete…")
    app.session_state["selected_runs"] = [two.id]
    click(app, "confirm_delete")
    assert runs.all_runs() == [two] and "confirm_delete" not in [button.key for button in app.button]


# --- comparing --------------------------------------------------------------------------------------------------


def link(app: AppTest) -> str:
    value = app.query_params.get("compare", "")
    return value if isinstance(value, str) else value[0]


def test_two_runs_are_compared_and_the_link_says_so():
    one, two = make("One", 0.001), make("Two", 0.01)
    app = select(open_page("Runs"), one, two)
    assert set(link(app).split(",")) == {one.id, two.id}
    loss = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert {trace["name"] for trace in loss["data"]} == {"One", "Two"}
    results, settings = app.dataframe[1].value, app.dataframe[2].value
    assert set(results["Run"]) == {"One", "Two"} and list(results["Best val. accuracy"]) == [70, 70]
    row = settings.set_index("Setting").loc["Learning rate"]
    assert dict(row) == {"One": "0.001", "Two": "0.01"} and len(settings) == 1
    app.toggle(key="runs-training").set_value(True)
    app.segmented_control(key="runs-over").set_value("Time")
    refresh(app)
    loss = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert len(loss["data"]) == 4 and "minutes" in loss["layout"]["xaxis"]["title"]["text"]
    select(app, one)
    assert link(app) == one.id and not app.get("plotly_chart")
    select(app)
    assert link(app) == ""


def test_a_link_followed_within_a_visit_changes_the_selection():
    one, two, three = make("One"), make("Two"), make("Three")
    app = select(open_page("Runs"), one, two)
    app.query_params["compare"] = f"{two.id},{three.id}"
    refresh(app)
    assert set(app.session_state["selected_runs"]) == {two.id, three.id}
    assert set(app.dataframe[1].value["Run"]) == {"Two", "Three"}


def test_filters_and_order_are_in_the_link():
    make("Wide", tags=["sweep"])
    make("Narrow")
    app = open_page("Runs", **{"runs-search": "wide", "runs-tag": "sweep", "runs-order": "Name"})
    assert names(app) == ["Wide"] and app.multiselect(key="runs-tag").value == ["sweep"]
    app = open_page("Runs", **{"runs-tag": "no such tag", "runs-order": "no such order"})
    assert "Narrow" in names(app) and app.selectbox(key="runs-order").value == "Newest"


def test_a_link_opens_a_comparison():
    one, two = make("One"), make("Two")
    app = AppTest.from_file(str(PROJECT / "pages/5_Runs.py"), default_timeout=60)
    app.session_state["routed"] = True
    app.query_params["compare"] = f"{one.id},{two.id},no-such-run,../../etc"
    refresh(app)
    assert "2 selected" in text(app) and len(app.get("plotly_chart")) == 2
    assert "All settings are the same" in text(app)


def test_too_many_runs_are_not_compared():
    made = [make(f"Run {number}") for number in range(8)]
    app = select(open_page("Runs"), *made)
    assert "At most 7 can be compared" in app.info[0].value and not app.get("plotly_chart")


def test_runs_without_an_epoch_have_no_curves_yet():
    one, two = (make(name, accuracies=()) for name in ("One", "Two"))
    app = select(open_page("Runs"), one, two)
    assert "The curves begin with the first" in text(app)


def test_differences_are_of_data_training_and_layers():
    one, two = make("Same"), make("Same", 0.001)
    values = two.config.model_dump()
    values["layers"] = values["layers"][:1] + values["layers"][2:]
    values["data"]["flip"] = True
    two = replace(two, config=RunConfig.model_validate(values), parameters=1)
    found = comparison.differences([one, two])
    assert found["Random horizontal flip"] == ["off", "on"] and found["Learning rate"] == ["0.01", "0.001"]
    assert found["Layer 2"] == [str(layer) for layer in (one.config.layers[1], two.config.layers[1])]
    assert found["Layer 4"] == [str(one.config.layers[3]), "–"] and "Layer 1" not in found
    assert comparison.labels([one, two]) == ["Same (1)", "Same (2)"]
    broken = replace(one, config=None)
    assert comparison.differences([one, broken])["Epochs"] == ["3", "–"]


def test_a_rate_that_was_changed_by_hand_is_a_result():
    one, two = make("One"), make("Two")
    event = {"kind": "event", "what": "learning rate", "epoch": 1, "step": 3, "steps": 5, "factor": 0.5}
    with (two.path / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(event) + "\n")
    assert "Manual changes" not in comparison.results([one], ["One"])
    changes = comparison.results([one, two], ["One", "Two"])["Manual changes"].dropna()
    assert dict(changes) == {1: "learning rate ×0.5 in epoch 2"}


def test_no_internal_name_appears_among_the_settings():
    run = make("One")
    internal = {*type(run.config.data).model_fields, *type(run.config.training).model_fields}
    named = set(comparison.flattened(run))
    assert not named & internal and not any("_" in name for name in named)
    assert len(named) == len(internal) + len(run.config.layers), "no two have one name"
