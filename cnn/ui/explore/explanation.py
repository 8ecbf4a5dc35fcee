"""The Explore page's view of one prediction: maps that explain it, side by side, and whether they are true."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from cnn import charts
from cnn.config import CLASS_NAMES
from cnn.interpret import attribution, faithfulness
from cnn.interpret.attribution import METHODS
from cnn.interpret.faithfulness import Curve, Randomisation
from cnn.networks.forward import Weights
from cnn.pictures import SIZE, WHOLE, mapped_back
from cnn.ui import shell, state
from cnn.ui.explore.model_view import ModelView
from cnn.ui.models import Network
from cnn.ui.predict.pictures import Picture, digest

_FIRST = ("grad_cam", "layer_cam", "integrated_gradients", "occlusion")
_EDGE = 252  # screen pixels of a map over the network's input
_NOTHING = 1e-12


class Check(NamedTuple):
    """What became of one method's map: curves and areas, those by chance, and its sensitivity to the weights."""

    deletion: Curve
    insertion: Curve
    deletion_by_chance: float
    insertion_by_chance: float
    randomisation: Randomisation


@st.fragment
def show(now: ModelView) -> None:
    """Draw the view."""
    explainer = now.network.explain
    answer = int(now.probabilities.argmax())
    with st.container(horizontal=True, vertical_alignment="bottom"):
        class_ = st.selectbox(
            "Why",
            range(len(CLASS_NAMES)),
            index=None,
            placeholder=f"{CLASS_NAMES[answer]}, its answer",
            format_func=lambda index: f"{CLASS_NAMES[index]} ({now.probabilities[index]:.1%})",
            key="why_class",
            persist_state="session",
            width=260,
            help="Any class can be asked for: what speaks for it, in this network's eyes?",
        )
        layer = None
        if explainer.layers:
            layer = st.selectbox(
                "Layer of the class activation maps",
                explainer.layers,
                index=explainer.layers.index(explainer.last_layer),
                key=f"why_layer-{now.run.id}",
                persist_state="session",
                width=300,
                help="Deep layers know what, early ones where. The last one before the classifier is usual.",
            )
    class_ = answer if class_ is None else class_
    possible = [name for name, method in METHODS.items() if layer or not method.needs_layer]
    chosen = st.pills(
        "Methods",
        possible,
        selection_mode="multi",
        default=[name for name in _FIRST if name in possible],
        format_func=lambda name: METHODS[name].name,
        key="why_methods",
        persist_state="session",
    )
    if not layer:
        st.info("This network has no feature maps, so the class activation maps have no layer to look at.")
    if not chosen:
        st.info("Choose a method to see its map.", icon=":material/arrow_upward:")
        return
    chosen = [name for name in possible if name in chosen]
    maps = {name: _map(now, now.picture, name, class_, layer) for name in chosen}
    _cards(now.picture, maps, class_, layer)
    if now.pinned:
        st.subheader("The kept picture", anchor=False)
        _cards(now.pinned, {name: _map(now, now.pinned, name, class_, layer) for name in chosen}, class_, layer)
    if "grad_cam_plus_plus" in maps and now.values[layer].min() < 0:
        st.caption(
            f"{layer} has values below zero, for which the paper on Grad-CAM++ gives no weights: here, a feature map "
            "whose sum is negative is weighted as if its sum were 0. After a ReLU, Grad-CAM++ is exactly the paper's."
        )
    _agreement(maps)
    st.subheader("Is the explanation true?", anchor=False)
    _checks(now, maps, class_, layer)


# ---------------------------------------------------------------- the maps


def _map(now: ModelView, picture: Picture, method: str, class_: int, layer: str | None) -> np.ndarray:
    pixels = picture.seen.pixels
    layer = layer if METHODS[method].needs_layer else None
    return _computed(now.state, digest(pixels), method, class_, layer, now.network, pixels, _weights(now))


def _weights(now: ModelView) -> Weights | None:
    return now.weights if now.changed else None


@st.cache_resource(max_entries=200, show_spinner="Explaining…")
def _computed(
    state: str,
    digest: str,
    method: str,
    class_: int,
    layer: str | None,
    _network: Network,
    _pixels: np.ndarray,
    _weights: Weights | None,
) -> np.ndarray:
    return _network.explain.explain(method, _pixels, class_, layer, _weights)


def _cards(picture: Picture, maps: dict[str, np.ndarray], class_: int, layer: str | None) -> None:
    """Each map over what the network sees, and over the picture as it came."""
    seen = picture.pixels(_EDGE // SIZE)
    original = picture.shown.convert("RGB")
    same = original.size == (SIZE, SIZE)
    with st.grid("auto", min_column_width=180, gap="small"):
        for name, values in maps.items():
            method = METHODS[name]
            with st.container(gap="xsmall"):
                st.markdown(f"**{method.name}**", help=f"{method.shows} {method.paper}.")
                large = mapped_back(values, WHOLE, (_EDGE, _EDGE))
                st.image(
                    charts.laid_over(seen, large),
                    alt=f"{method.name} for {CLASS_NAMES[class_]} over the network's input.",
                )
                if not same:
                    back = mapped_back(values, picture.seen.frame, original.size)
                    st.image(
                        charts.laid_over(np.asarray(original), back),
                        alt=f"{method.name} for {CLASS_NAMES[class_]} over the picture as it came.",
                    )
                if np.abs(values).max() <= _NOTHING:
                    st.caption("Zero everywhere: nothing in this layer speaks for the class.")
    signed = any(METHODS[name].signed for name in maps)
    ends = " Where a map has signs, violet speaks for it and orange against it." if signed else ""
    where = f" Class activation maps of {layer}." if layer else ""
    st.caption(
        f"What speaks for **{CLASS_NAMES[class_]}** in {shell.plain(picture.title)}: yellow the most, blue the least, "
        "grey nothing."
        f"{ends}{where} The score that is explained is the logit, before the softmax."
    )


def _agreement(maps: dict[str, np.ndarray]) -> None:
    """How far the methods agree, in a sentence."""
    if len(maps) < 2:
        return
    found = faithfulness.agreement({name: attribution.importance(name, values) for name, values in maps.items()})
    if found.mean is None:
        return
    pairs = len(maps) * (len(maps) - 1) // 2
    words = f"On which pixels matter, the {len(maps)} methods have a mean rank correlation of {found.mean:.2f}."
    if not found.apart:
        st.markdown(f":material/handshake: {words} No two of them disagree (below {faithfulness.APART:g}).")
        return
    one, other, value = found.apart[0]
    st.warning(
        f"**The methods disagree.** {words} {len(found.apart)} of {pairs} pairs lie below {faithfulness.APART:g}, "
        f"least of all {METHODS[one].name} and {METHODS[other].name} with {value:+.2f}.",
        icon=":material/call_split:",
    )


# ---------------------------------------------------------------- whether they are true


def _checks(now: ModelView, maps: dict[str, np.ndarray], class_: int, layer: str | None) -> None:
    key = (now.state, digest(now.picture.seen.pixels), class_, layer)
    st.markdown(
        "Two tests. **Deletion and insertion**: blacken the pixels that a map calls important, or bring them back "
        "first: the class's probability must fall, or rise, faster than in a random order. **Scrambled weights**: a "
        "map that stays as it is when the network's weights are shuffled shows the picture, not the network."
    )
    if st.session_state.get(state.CHECKED_MAPS) != key:
        st.button(
            "Check these maps",
            icon=":material/fact_check:",
            key="check_maps",
            on_click=st.session_state.update,
            kwargs={state.CHECKED_MAPS: key},
            help="Some seconds: hundreds of pictures are answered, and every map is made anew with scrambled weights.",
        )
        return
    progress, checks = st.progress(0.0), {}
    for number, (name, values) in enumerate(maps.items()):
        progress.progress(number / len(maps), text=f"Checking {METHODS[name].name}: {number + 1} of {len(maps)}")
        layer_ = layer if METHODS[name].needs_layer else None
        checks[name] = _checked(*key[:3], layer_, name, now.network, now.picture.seen.pixels, now.weights, values)
    progress.empty()
    _curves(checks, class_)
    _verdicts(checks)


@st.cache_resource(max_entries=100, show_spinner=False)
def _checked(
    state: str,
    digest: str,
    class_: int,
    layer: str | None,
    method: str,
    _network: Network,
    _pixels: np.ndarray,
    _weights: Weights,
    _values: np.ndarray,
) -> Check:
    explainer, importance = _network.explain, attribution.importance(method, _values)
    deletion_by_chance, insertion_by_chance = (
        faithfulness.by_chance(test, explainer, _pixels, class_, _weights).area
        for test in (faithfulness.deletion, faithfulness.insertion)
    )
    return Check(
        faithfulness.deletion(explainer, _pixels, class_, importance, _weights),
        faithfulness.insertion(explainer, _pixels, class_, importance, _weights),
        deletion_by_chance,
        insertion_by_chance,
        faithfulness.randomisation(lambda some: explainer.explain(method, _pixels, class_, layer, some), _weights),
    )


def _curves(checks: dict[str, Check], class_: int) -> None:
    for column, (which, better) in zip(
        st.columns(2, gap="large"), (("deletion", "steeper down"), ("insertion", "steeper up")), strict=True
    ):
        with column:
            st.markdown(f"**{which.capitalize()}**")
            curves = {METHODS[name].name: getattr(check, which) for name, check in checks.items()}
            st.plotly_chart(
                charts.taken_apart({name: (curve.shares, curve.probabilities) for name, curve in curves.items()}),
                key=f"{which}_curves",
                config={"displayModeBar": False},
                alt=f"Probability of {CLASS_NAMES[class_]} over the share of pixels, a line for each method.",
            )
            st.caption(f"Probability of {CLASS_NAMES[class_]}; {better} is better.")


def _verdicts(checks: dict[str, Check]) -> None:
    table = pd.DataFrame([_row(name, check) for name, check in checks.items()])
    number = st.column_config.NumberColumn(format="%.3f")
    st.dataframe(
        table,
        hide_index=True,
        height="content",
        alt="For each method the areas of deletion and insertion, those by chance, and its verdict.",
        column_config={
            "deletion": st.column_config.NumberColumn(
                format="%.3f", help="Area under the curve: the smaller the better."
            ),
            "by chance": number,
            "insertion": st.column_config.NumberColumn(
                format="%.3f", help="Area under the curve: the larger the better."
            ),
            "by chance ": number,
            "scrambled": st.column_config.NumberColumn(
                format="%.2f",
                help="Rank correlation with the maps of the same network with scrambled weights, mean of "
                f"{faithfulness.SCRAMBLINGS}: {faithfulness.RULE}.",
            ),
            "without signs": st.column_config.NumberColumn(
                format="%.2f",
                help="The same correlation of the maps' absolute values: where a map is strong, whichever its sign.",
            ),
        },
    )
    for name, check in checks.items():
        if check.randomisation.verdict == "not about the model":
            st.error(
                f"**{METHODS[name].name} is not about the model here.** It stays nearly the same when the weights are "
                "scrambled: it shows the picture's own edges and surfaces, not what the network has learned.",
                icon=":material/do_not_disturb_on:",
            )


def _row(name: str, check: Check) -> dict[str, str | float | None]:
    scrambled = check.randomisation.stages[-1] if check.randomisation.stages else None
    return {
        "method": METHODS[name].name,
        "deletion": check.deletion.area,
        "by chance": check.deletion_by_chance,
        "insertion": check.insertion.area,
        "by chance ": check.insertion_by_chance,
        "scrambled": scrambled and scrambled.signed,
        "without signs": scrambled and scrambled.correlation,
        "better than chance": _against_chance(check),
        "about": check.randomisation.verdict.removeprefix("about "),
    }


def _against_chance(check: Check) -> str:
    better = [check.deletion.area < check.deletion_by_chance, check.insertion.area > check.insertion_by_chance]
    return ("in none", "in one", "in both")[sum(better)]
