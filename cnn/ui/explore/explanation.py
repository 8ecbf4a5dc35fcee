"""The Explore page's view of one prediction: maps that explain it, side by side, and whether they are faithful."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from cnn import charts
from cnn.interpret import attribution, faithfulness
from cnn.interpret.attribution import METHODS
from cnn.interpret.faithfulness import Curve, Randomisation
from cnn.networks.forward import Weights
from cnn.pictures import WHOLE, mapped_back
from cnn.ui import figures, fragments, links, shell, state
from cnn.ui.explore.model_view import ModelView
from cnn.ui.models import Network
from cnn.ui.predict.pictures import Picture, digest

_FIRST = ("grad_cam", "layer_cam", "integrated_gradients", "occlusion")
_EDGE = 252  # pixels of a map over the network's input
_CARD = 150  # screen pixels of a map, at least
_NOTHING = 1e-12
_ABOUT = {
    "about the model": "the network",
    "about the model in its signs only": "the network in its signs only",
    "not about the model": "not the network",
    "says nothing": "nothing: the map is uniform",
}


class Check(NamedTuple):
    """What became of one method's map: curves and areas, those by chance, and its sensitivity to the weights."""

    deletion: Curve
    insertion: Curve
    deletion_by_chance: float
    insertion_by_chance: float
    randomisation: Randomisation


@fragments.fragment
def show(now: ModelView) -> None:
    """Draw the view."""
    explainer = now.network.explain
    with st.container(horizontal=True, vertical_alignment="bottom"):
        class_ = _class(now)
        layer = None
        if explainer.layers:
            layer = links.menu(
                "explore-cam-layer",
                "Layer of the class activation maps",
                explainer.layers,
                explainer.last_layer,
                width=300,
                help="Deep layers show what the network found, early ones where. The last layer before the classifier "
                "is the usual choice.",
            )
    possible = {method.name: key for key, method in METHODS.items() if layer or not method.needs_layer}
    chosen = links.some(
        "explore-methods", "Methods", list(possible), [name for name, key in possible.items() if key in _FIRST]
    )
    if not layer:
        st.info("This network has no feature maps, so there are no class activation maps.")
    if not chosen:
        st.info("Choose a method to see its map.", icon=":material/arrow_upward:")
        return
    methods = [key for name, key in possible.items() if name in chosen]
    explained = {image: _explained(now, image, methods, class_, layer) for image in now.images}
    maps = explained[now.image]
    name = now.class_names[class_]
    shown = [(now.title(image), image, found, name) for image, found in explained.items()]
    other_layer = layer
    if now.other:
        other_layer, found, its = _explained_by_other(now, methods, name, layer)
        said = "" if its == name else f" · {shell.plain(its)}, its own prediction"
        title = f"{now.other.name} · {other_layer or 'no feature maps'}{said}"
        shown.append((title, now.other.given(now.image), found, its))
    for column, (title, image, found, named) in zip(st.columns(len(shown), gap="large"), shown, strict=True):
        with column:
            if len(shown) > 1:
                st.markdown(f"##### {title}")
            _cards(image, found, named)
    _legend(now, maps, class_, layer)
    if "grad_cam_plus_plus" in maps and now.values[layer].min() < 0:
        st.caption(
            f"{layer} has values below zero, for which the paper on Grad-CAM++ gives no weights: here, a feature map "
            "whose sum is negative is weighted as if its sum were 0. After a ReLU, Grad-CAM++ is exactly the paper's.",
            width=shell.TEXT_WIDTH,
        )
    _agreement(maps)
    st.subheader("Faithfulness checks", anchor=False)
    _checks(now, maps, class_, layer)


def _class(now: ModelView) -> int:
    """Choose the class to explain; unless somebody chooses another, the predicted one."""
    best = int(now.probabilities.argmax())
    options = [f"{name} (predicted)" if index == best else name for index, name in enumerate(now.class_names)]
    chosen = links.menu(
        "explore-explained",
        "Class to explain",
        options,
        options[best],
        width=260,
        help="Any class can be explained: what in the image speaks for it, according to this network?",
    )
    return options.index(chosen)


# ---------------------------------------------------------------- the maps


def _explained(
    now: ModelView, image: Picture, methods: list[str], class_: int, layer: str | None
) -> dict[str, np.ndarray]:
    weights = now.weights if now.changed else None
    return {name: _map(now.state, now.network, image, name, class_, layer, weights) for name in methods}


def _explained_by_other(
    now: ModelView, methods: list[str], name: str, layer: str | None
) -> tuple[str | None, dict[str, np.ndarray], str]:
    """The maps of the other network, at the layer of the same name or its last one; none of a layer it has not.

    They explain the class of this name, where the other network knows it, else its own prediction. Returns also which.
    """
    explainer = now.other.network.explain
    layer = layer if layer in explainer.layers else explainer.last_layer if explainer.layers else None
    possible = [name for name in methods if layer or not METHODS[name].needs_layer]
    image, names = now.other.given(now.image), now.other.class_names
    best = int(now.other.values_of(now.image)[now.other.network.forward.output].argmax())
    class_ = names.index(name) if name in names else best
    found = {one: _map(now.other.state, now.other.network, image, one, class_, layer, None) for one in possible}
    return layer, found, names[class_]


def _map(
    state: str,
    network: Network,
    image: Picture,
    method: str,
    class_: int,
    layer: str | None,
    weights: Weights | None,
) -> np.ndarray:
    pixels = image.seen.pixels
    layer = layer if METHODS[method].needs_layer else None
    return _computed(state, digest(pixels), method, class_, layer, network, pixels, weights)


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


def _cards(image: Picture, maps: dict[str, np.ndarray], name: str) -> None:
    """Each map over the network's input, and over the original."""
    seen = np.asarray(image.input_within(_EDGE))
    original = image.shown.convert("RGB")
    same = original.size == image.seen.pixels.shape[1::-1]
    with st.grid("auto", min_column_width=_CARD, gap="small"):
        for key, exact in maps.items():
            method, values = METHODS[key], attribution.shown(exact)
            with st.container(gap="xsmall"):
                st.markdown(f"**{method.name}**", help=f"{method.shows} {method.paper}.")
                large = mapped_back(values, WHOLE, seen.shape[1::-1])
                st.image(
                    charts.laid_over(seen, large),
                    alt=f"{method.name} for {name} over the network's input.",
                )
                if not same:
                    back = mapped_back(values, image.seen.frame, original.size)
                    st.image(
                        charts.laid_over(np.asarray(original), back),
                        alt=f"{method.name} for {name} over the original image.",
                    )
                if np.abs(values).max() <= _NOTHING:
                    st.caption("Zero everywhere: nothing in this layer speaks for the class.")


def _legend(now: ModelView, maps: dict[str, np.ndarray], class_: int, layer: str | None) -> None:
    signed = any(METHODS[name].signed for name in maps)
    ends = " Where a map has signs, violet speaks for it and orange against it." if signed else ""
    where = f" Class activation maps of {layer}." if layer else ""
    if next(iter(maps.values())).size > attribution.SMALL:
        where += " The 1% of most extreme values are shown as the next ones."
    st.caption(
        f"What speaks for **{shell.plain(now.class_names[class_])}** in {shell.plain(now.image.title)}: yellow the "
        f"most, blue the least, grey nothing.{ends}{where} The score that is explained is the logit, before the "
        "softmax.",
        width=shell.TEXT_WIDTH,
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
        st.markdown(
            f":material/handshake: {words} No two of them disagree (below {faithfulness.APART:g}).",
            width=shell.TEXT_WIDTH,
        )
        return
    one, other, value = found.apart[0]
    st.warning(
        f"**The methods disagree.** {words} {len(found.apart)} of {pairs} pairs lie below {faithfulness.APART:g}, "
        f"least of all {METHODS[one].name} and {METHODS[other].name} with {value:+.2f}.",
        icon=":material/call_split:",
    )


# ---------------------------------------------------------------- whether they are faithful


def _checks(now: ModelView, maps: dict[str, np.ndarray], class_: int, layer: str | None) -> None:
    key = (now.state, digest(now.image.seen.pixels), class_, layer)
    st.markdown(
        "**Deletion and insertion**: blacken the pixels that a map calls important, or bring them back first: the "
        "class's probability should fall, or rise, faster than in random order. **Weight-randomisation test**: a map "
        "that stays the same when the network's weights are randomised shows the image, not the network.",
        width=shell.TEXT_WIDTH,
    )
    if st.session_state.get(state.CHECKED_MAPS) != key:
        st.button(
            "Check these maps",
            icon=":material/fact_check:",
            key="check_maps",
            type="primary",
            on_click=st.session_state.update,
            kwargs={state.CHECKED_MAPS: key},
            help="Takes some seconds: hundreds of predictions, and every map again with randomised weights.",
        )
        return
    progress, checks = st.progress(0.0), {}
    for number, (name, values) in enumerate(maps.items()):
        progress.progress(number / len(maps), text=f"Checking {METHODS[name].name}: {number + 1} of {len(maps)}")
        layer_ = layer if METHODS[name].needs_layer else None
        checks[name] = _checked(*key[:3], layer_, name, now.network, now.image.seen.pixels, now.weights, values)
    progress.empty()
    _curves(checks, now.class_names[class_])
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


def _curves(checks: dict[str, Check], name: str) -> None:
    for column, (which, better) in zip(
        st.columns(2, gap="large"), (("deletion", "steeper down"), ("insertion", "steeper up")), strict=True
    ):
        with column:
            curves = {METHODS[key].name: getattr(check, which) for key, check in checks.items()}
            figures.show(
                charts.taken_apart({key: (curve.shares, curve.probabilities) for key, curve in curves.items()}),
                key=f"{which}_curves",
                title=which.capitalize(),
                alt=f"Probability of {name} over the fraction of pixels, a line for each method.",
            )
            st.caption(f"Probability of {shell.plain(name)}; {better} is better.")


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
            "randomised": st.column_config.NumberColumn(
                format="%.2f",
                help="Rank correlation with the maps of the same network with randomised weights, mean of "
                f"{faithfulness.SCRAMBLINGS}: {faithfulness.RULE}.",
            ),
            "without signs": st.column_config.NumberColumn(
                format="%.2f",
                help="The same correlation of the maps' absolute values.",
            ),
        },
    )
    for name, check in checks.items():
        if check.randomisation.verdict == "not about the model":
            st.error(
                f"**{METHODS[name].name} fails the weight-randomisation test here.** It stays nearly the same when the "
                "weights are randomised: it shows the image's own edges and surfaces, not what the network learned.",
                icon=":material/do_not_disturb_on:",
            )


def _row(name: str, check: Check) -> dict[str, str | float | None]:
    randomised = check.randomisation.stages[-1] if check.randomisation.stages else None
    return {
        "method": METHODS[name].name,
        "deletion": check.deletion.area,
        "by chance": check.deletion_by_chance,
        "insertion": check.insertion.area,
        "by chance ": check.insertion_by_chance,
        "randomised": randomised and randomised.signed,
        "without signs": randomised and randomised.correlation,
        "better than chance": _against_chance(check),
        "depends on": _ABOUT[check.randomisation.verdict],
    }


def _against_chance(check: Check) -> str:
    better = [check.deletion.area < check.deletion_by_chance, check.insertion.area > check.insertion_by_chance]
    return ("in neither", "in one", "in both")[sum(better)]
