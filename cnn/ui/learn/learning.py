"""How filters learn: a small kernel that finds the weights of a target map by gradient descent, step by step."""

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnn import charts
from cnn.config import counted
from cnn.lessons import gradient_descent, kernels
from cnn.lessons.gradient_descent import Descent
from cnn.lessons.kernels import NAMES
from cnn.runs import Run
from cnn.ui import figures, fragments, state
from cnn.ui.components import pixels
from cnn.ui.explore.written_out import tex, tex_term
from cnn.ui.learn import controls
from cnn.ui.learn.given import Given
from cnn.ui.learn.prose import note, say
from cnn.ui.models import Network

_SIZE = 3
_LAST = 300  # steps there are
_PLAYED = 100  # steps that one press plays
_PACE = 0.3  # seconds a step is shown while it plays
_PLACES = ("top left", "top", "top right", "left", "middle", "right", "bottom left", "bottom", "bottom right")


def show(run: Run, network: Network, on: Given, below: DeltaGenerator) -> None:
    """Draw the lesson. While it plays, only the steps are drawn again."""
    x = on.grey.astype(np.float64)
    largest = gradient_descent.largest_rate(x, _SIZE)
    left, middle, right = st.columns([4, 3, 5], vertical_alignment="bottom")
    with left:
        name = controls.menu(
            "learning_kernel",
            "Target kernel",
            [name for name in NAMES if name != "random"],
            "Sobel, vertical edges",
            help="It makes the target map. Its weights are divided by the sum of the positive ones.",
        )
    with middle:
        seed = controls.number("learning_seed", "Random seed", 1, 999, 1, help="Each seed gives other first weights.")
    with right:
        fraction = controls.decimal(
            "learning_rate",
            "Learning rate η (fraction of 2/λ)",
            0.05,
            1.1,
            0.8,
            0.05,
            help="2/λ is the largest stable learning rate. It depends on the image.",
        )
    if not np.isfinite(largest):
        st.info("This image is all black: no weight changes its map. Choose another.", icon=":material/dark_mode:")
        return
    fraction = round(fraction, 2)
    rate = fraction * largest
    _warning(fraction)
    with below:
        _stability(fraction, rate, largest)
    goal = gradient_descent.wanted(kernels.named(name, _SIZE))
    found = gradient_descent.descend(
        x, gradient_descent.predict(x, goal), gradient_descent.begin(_SIZE, seed), rate, _LAST + 1
    )
    if st.session_state.get(state.LEARNING_UNTIL) is None:
        _steps(x, goal, rate, found)  # not a fragment: the link for a class would not follow
    else:
        fragments.fragment(_steps, run_every=_PACE)(x, goal, rate, found)


def _warning(fraction: float) -> None:
    """What goes wrong with a learning rate of this fraction of the largest stable one."""
    if fraction > 1:
        st.warning(
            "This rate is too large: each step overshoots the minimum by more than the one before, so the loss grows "
            "without limit.",
            icon=":material/trending_up:",
        )
    elif fraction == 1:
        st.warning(
            "This is the limit: in the steepest direction each step lands as far beyond the minimum as it started "
            "before it, so it never gets there.",
            icon=":material/sync_alt:",
        )


def _stability(fraction: float, rate: float, largest: float) -> None:
    """Which learning rates are stable on this image."""
    st.subheader("The largest stable learning rate", anchor=False)
    say(
        rf"On this image the curvature of the loss is at most $\lambda = {tex(2 / largest)}$, the largest eigenvalue "
        rf"of its second derivatives. So the largest stable learning rate is $2 / \lambda = {tex(largest)}$. "
        rf"Here $\eta = {fraction:.2f} \cdot {tex(largest)} = {tex(rate)}$."
    )


# ---------------------------------------------------------------- the player


def _steps(x: np.ndarray, goal: np.ndarray, rate: float, found: Descent) -> None:
    at = _player()
    before, after = found.kernels[at], found.kernels[at + 1]
    target, z = gradient_descent.predict(x, goal), gradient_descent.predict(x, before)
    slope = gradient_descent.gradient(x, z - target, _SIZE)
    _maps(x, z, target, gradient_descent.predict(x, found.kernels[0]))
    _kernels(before, slope, after, goal, found.kernels[0])
    figures.show(
        charts.descent(found.losses[: _LAST + 1], at, height=240),
        key="learning_curve",
        title="Loss",
        alt=f"The loss over the steps, on a logarithmic scale: {found.losses[0]:.3g} at first, "
        f"{found.losses[at]:.3g} after {counted(at, 'step')}.",
    )
    note(
        f"From {found.losses[0]:.3g} to {found.losses[at]:.3g} after {counted(at, 'step')}. Each weight is within "
        f"{np.abs(before - goal).max():.3g} of the target."
    )
    st.subheader("The next step written out", anchor=False)
    _written(x, z, target, rate, found.losses[at], slope, before, after)


def _player() -> int:
    """The slider and the buttons. Returns the step in view."""
    until = st.session_state.get(state.LEARNING_UNTIL)
    if until is not None:
        _advance(until)
    at = controls.whole(state.LEARNING_STEP, "Steps taken", 0, _LAST, 0, help="The arrow keys move it by one step.")
    with (
        controls.place("learning_buttons", "The buttons that take steps", (state.LEARNING_STEP,)),
        st.container(horizontal=True),
    ):
        if until is None:
            st.button(
                f"Play {_PLAYED} steps", icon=":material/play_arrow:", key="learning_play", type="primary",
                on_click=_play, args=(at,), disabled=at == _LAST,
            )  # fmt: skip
        elif st.button("Pause", icon=":material/pause:", key="learning_halt", type="primary"):
            _halt()
        st.button(
            "One step", icon=":material/skip_next:", key="learning_one", on_click=_go, args=(at + 1,),
            disabled=at == _LAST or until is not None,
        )  # fmt: skip
        st.button(
            "Reset", icon=":material/restart_alt:", key="learning_again", on_click=_go, args=(0,),
            disabled=at == 0 or until is not None,
        )  # fmt: skip
    return at


def _play(at: int) -> None:
    st.session_state[state.LEARNING_UNTIL] = min(at + _PLAYED, _LAST)


def _go(step: int) -> None:
    st.session_state[state.LEARNING_STEP] = step


def _advance(until: int) -> None:
    """Go on, slowly at first, where the most happens, then faster."""
    at = st.session_state.get(state.LEARNING_STEP, 0)
    if at >= until:
        _halt()
    played = at - (until - _PLAYED)
    st.session_state[state.LEARNING_STEP] = min(until, at + 1 + max(0, played) // 10)


def _halt() -> None:
    st.session_state[state.LEARNING_UNTIL] = None
    st.rerun()


# ---------------------------------------------------------------- images


def _maps(x: np.ndarray, z: np.ndarray, target: np.ndarray, first: np.ndarray) -> None:
    scale = charts.value_range(np.concatenate([z, target, first]), signed=True)
    parts = (
        ("learning_x", "Image $x$", x, (0.0, max(1.0, float(x.max())))),
        ("learning_z", "Its map $z$", z, scale),
        ("learning_t", "Target map $t$", target, scale),
        ("learning_d", "Difference $z - t$", z - target, scale),
    )
    _grid(parts)
    note(
        "The map that the kernel makes of the image now, and the one that it should make. Violet is positive, orange "
        "negative, white zero, on one scale for all three maps; the image is yellow where it is bright."
    )


def _kernels(before: np.ndarray, slope: np.ndarray, after: np.ndarray, goal: np.ndarray, first: np.ndarray) -> None:
    scale = charts.value_range(np.concatenate([before, after, goal, first]), signed=True)
    row, column = divmod(_place(st.session_state.get(state.LEARNING_WEIGHT)), _SIZE)
    tens = -int(np.ceil(np.log10(np.abs(slope).max() or 1.0)))  # small numbers could not be read
    tens = tens if tens > 1 else 0
    large = slope * 10.0**tens
    parts = (
        ("learning_before", "Kernel $w$", before, scale),
        (
            "learning_slope",
            rf"Gradient $10^{{{tens}}}\, g$" if tens else "Gradient $g$",
            large,
            charts.value_range(large, signed=True),
        ),
        ("learning_after", r"Next: $w - \eta\, g$", after, scale),
        ("learning_goal", "Target kernel", goal, scale),
    )
    _grid(parts, (row, column))
    note(
        "The kernels share one scale, the gradient has its own. The kernel that learns never sees the target kernel, "
        "only the maps. Click a weight to see its step written out below."
    )


def _grid(parts: tuple, chosen: tuple[int, int] | None = None) -> None:
    """Images side by side, two by two where there is little room. With `chosen`, of kernels: a click chooses."""
    with st.grid(4, min_column_width=120, gap="small"):
        for key, title, values, range_ in parts:
            with st.container(gap="xsmall"):
                st.markdown(f"**{title}**")
                pixels.show(
                    values,
                    range_,
                    key=key,
                    label=f"{_spoken(title)}, {values.shape[0]} by {values.shape[1]} values.",
                    chosen=chosen,
                    on_pick=_choose if chosen else None,
                    size=220,
                )


def _spoken(title: str) -> str:
    """A title without LaTeX, to be read out."""
    for sign, word in (("$", ""), (r"\, ", " "), (r"\eta", "η"), ("{", ""), ("}", "")):
        title = title.replace(sign, word)
    return title


def _place(name: str | None) -> int:
    """Which weight a name stands for, the first if there is no such name."""
    return _PLACES.index(name) if name in _PLACES else 0


def _choose(row: int, column: int) -> None:
    st.session_state[state.LEARNING_WEIGHT] = _PLACES[row * _SIZE + column]


# ---------------------------------------------------------------- the arithmetic


def _written(
    x: np.ndarray,
    z: np.ndarray,
    target: np.ndarray,
    rate: float,
    loss: float,
    slope: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
) -> None:
    """The loss, and one weight's gradient and step with their numbers."""
    with st.container(width=220):
        weight = controls.menu(state.LEARNING_WEIGHT, "Weight to write out", list(_PLACES))
    row, column = divmod(_PLACES.index(weight), _SIZE)
    difference, seen = z - target, gradient_descent.inputs(x, _SIZE, row, column)
    products = difference * seen
    most = np.argsort(-np.abs(products), axis=None, kind="stable")[:3]
    terms = " + ".join(
        rf"{tex_term(difference.flat[place])} \cdot {tex(seen.flat[place])}".replace(r"\cdot 10", r"\!\cdot\! 10")
        for place in most
    )
    weight, count = rf"w_{{{row},{column}}}", z.size
    st.latex(
        rf"""\begin{{aligned}}
        L &= \frac{{1}}{{N}} \sum_{{i,j}} (z_{{i,j}} - t_{{i,j}})^2 \\
        &= \frac{{1}}{{{count}}} \cdot {tex(float((difference**2).sum()))} = {tex(loss)} \\[2ex]
        g_{{{row},{column}}} &= \frac{{\partial L}}{{\partial {weight}}} \\
        &= \frac{{2}}{{N}} \sum_{{i,j}} (z_{{i,j}} - t_{{i,j}})\; x_{{i+{row},\,j+{column}}} \\
        &= \frac{{2}}{{{count}}} \cdot {tex_term(float(products.sum()))} = {tex(slope[row, column])} \\[2ex]
        {weight} &\leftarrow {weight} - \eta \cdot g_{{{row},{column}}} \\
        &= {tex(before[row, column])} - {tex(rate)} \cdot {tex_term(slope[row, column])} \\
        &= {tex(after[row, column])}
        \end{{aligned}}"""
    )
    say(f"The three largest of the {count} terms of the last sum: ${terms}$.")
    note(
        f"N = {z.shape[0]} · {z.shape[1]} = {count} values of the map; rows and columns are counted from 0, as in the "
        f"lecture. {_direction(slope[row, column])}"
    )


def _direction(slope: float) -> str:
    if slope == 0:
        return "This gradient is zero: the weight does not change."
    way, step = ("grows", "decreases") if slope > 0 else ("shrinks", "increases")
    return f"The gradient shows that the loss {way} as this weight grows, so the step {step} it."
