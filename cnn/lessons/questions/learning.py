"""Questions on gradients and steps, each a function of a random generator."""

import math

from cnn.config import counted
from cnn.lessons.questions.latex import bracketed, num
from cnn.lessons.questions.question import Question, Rng, chosen, integer, one_decimal, pick, typed

# ---------------------------------------------------------------- learning


def _gradient_step(rng: Rng) -> Question:
    w, gradient = integer(rng, -99, 99) / 100, one_decimal(rng, -40, 40)
    rate = pick(rng, (0.01, 0.02, 0.05, 0.1, 0.2, 0.5))
    move = round(rate * gradient, 3)
    answer = round(w - move, 3)
    return typed(
        rf"A weight is $w = {num(w)}$, the gradient of the loss with respect to it is $g = {num(gradient)}$, and the "
        rf"learning rate is $\eta = {num(rate)}$. What is the weight after one step of gradient descent? Give three "
        "decimals.",
        answer,
        rf"$w - \eta \cdot g = {num(w)} - {num(rate)} \cdot {bracketed(gradient)} = {num(answer)}$.",
        [
            (round(w + move, 3), "The step goes against the gradient: subtract it."),
            (round(w - gradient, 3), "The gradient is multiplied by the learning rate first."),
            (-move, "This is the step itself; it is added to the weight."),
            (move, "This is the learning rate times the gradient; it is subtracted from the weight."),
            (round(w - rate, 3), "The learning rate is multiplied by the gradient first."),
            (w, "The gradient is not zero, so the weight moves."),
        ],
        decimals=3,
        facts={"w": w, "gradient": gradient, "rate": rate},
    )


def _gradient_of_square(rng: Rng) -> Question:
    w, t = integer(rng, -6, 6), integer(rng, -12, 12)
    x = integer(rng, 1, 6) * pick(rng, (-1, 1))
    t += w * x == t  # no error, no gradient
    error = w * x - t
    answer = 2 * error * x
    return typed(
        rf"The loss is $L = (w x - t)^2$ with $w = {w}$, $x = {x}$ and $t = {t}$. What is the gradient "
        r"$\frac{\partial L}{\partial w}$?",
        answer,
        rf"$\frac{{\partial L}}{{\partial w}} = 2 (w x - t)\, x = 2 \cdot ({w} \cdot {bracketed(x)} - {bracketed(t)}) "
        rf"\cdot {bracketed(x)} = 2 \cdot {bracketed(error)} \cdot {bracketed(x)} = {num(answer)}$.",
        [
            (2 * error, "By the chain rule the inner derivative, $x$, is a factor as well."),
            (error * x, "The derivative of a square has the factor 2."),
            (2 * error * w, "This is the gradient with respect to $x$."),
            (error**2, "This is the loss itself."),
            (-answer, "The sign is wrong: the error is $w x - t$, not $t - w x$."),
            (error, "This is the error; the gradient is twice the error times $x$."),
        ],
        facts={"w": w, "x": x, "t": t},
    )


def _direction(rng: Rng) -> Question:
    w, rate = one_decimal(rng, -30, 30), pick(rng, (0.01, 0.05, 0.1, 0.2, 0.5))
    gradient = one_decimal(rng, -30, 30) if rng.integers(6) else 0.0
    sign = (gradient > 0) - (gradient < 0)
    words = {1: "It becomes smaller.", -1: "It becomes larger.", 0: "It stays the same."}
    why = {
        1: "The loss rises with the weight, and the step goes against the gradient.",
        -1: "The loss falls as the weight grows, and the step goes against the gradient.",
        0: "Where the gradient is zero, there is no step.",
    }[sign]
    answer = words.pop(sign)
    wrong = dict.fromkeys(words.values(), why)
    return chosen(
        rng,
        rf"A weight is $w = {num(w)}$, the gradient of the loss with respect to it is $g = {num(gradient)}$. What "
        rf"happens to the weight in a step of gradient descent with the learning rate $\eta = {num(rate)}$?",
        answer,
        rf"$w - \eta \cdot g = {num(w)} - {num(rate)} \cdot {bracketed(gradient)} = {num(w - rate * gradient)}$. "
        rf"{answer}",
        wrong | {"That depends on the sign of the weight.": f"The sign of the weight does not matter. {why}"},
        facts={"w": w, "gradient": gradient, "rate": rate},
    )


def _step_on_square(rng: Rng) -> Question:
    w, x, t = integer(rng, -5, 5), integer(rng, 1, 4) * pick(rng, (-1, 1)), integer(rng, -9, 9)
    t += w * x == t  # no error, no step
    rate = pick(rng, (0.01, 0.02, 0.05, 0.1))
    error = w * x - t
    gradient = 2 * error * x
    answer = round(w - rate * gradient, 2)
    return typed(
        rf"The loss is $L = (w x - t)^2$ with $w = {w}$, $x = {x}$ and $t = {t}$. What is $w$ after one step of "
        rf"gradient descent with the learning rate $\eta = {num(rate)}$? Give two decimals.",
        answer,
        rf"The gradient is $2 (w x - t)\, x = 2 \cdot {bracketed(error)} \cdot {bracketed(x)} = {num(gradient)}$, and "
        rf"$w - \eta \cdot g = {w} - {num(rate)} \cdot {bracketed(gradient)} = {num(answer)}$.",
        [
            (round(w + rate * gradient, 2), "The step goes against the gradient: subtract it."),
            (round(w - rate * error * x, 2), "The derivative of a square has the factor 2."),
            (
                round(w - rate * 2 * error, 2),
                "By the chain rule the inner derivative, $x$, is a factor of the gradient.",
            ),
            (round(w - rate * error**2, 2), "The step follows the gradient, not the loss itself."),
            (w - gradient, "The gradient is multiplied by the learning rate first."),
            (gradient, "This is the gradient; the step still has to be taken."),
            (t / x, "This weight would make the loss zero; one step stops short of it or goes beyond it."),
        ],
        decimals=2,
        facts={"w": w, "x": x, "t": t, "rate": rate},
    )


def _steps_of_an_epoch(rng: Rng) -> Question:
    images, batch = 100 * integer(rng, 5, 600), pick(rng, (16, 32, 50, 64, 100, 128, 256))
    whole, rest = divmod(images, batch)
    answer = math.ceil(images / batch)
    last = f", and one more with the last {counted(rest, 'image')}" if rest else ""
    return typed(
        f"A network is trained on {images:,} images in batches of {batch}. How many steps does it take in one "
        "epoch, if every image is used?",
        answer,
        rf"A step takes one batch: {counted(whole, 'step')} with {batch} images each{last}. "
        rf"$\lceil {num(images)} / {batch} \rceil = {num(answer)}$.",
        [
            (whole, "The remaining images form a last, smaller batch."),
            (images, "This would be right with batches of one image."),
            (batch, "This is the number of images in a batch; the question asks how many batches there are."),
            (whole + 1, "The images divide evenly: none is left for another batch."),
            (1, "The weights are updated after each batch, not only after an epoch."),
        ],
        facts={"images": images, "batch": batch},
    )


KINDS = (_gradient_step, _gradient_of_square, _direction, _step_on_square, _steps_of_an_epoch)
