"""Questions on transfer learning, each a function of a random generator."""

from cnn.config import counted, geometry
from cnn.lessons.questions.latex import by, num
from cnn.lessons.questions.question import Question, Rng, chosen, integer, one_decimal, pick, typed

# ---------------------------------------------------------------- transfer learning


def _only_the_output(rng: Rng) -> Question:
    kernel, maps = pick(rng, (3, 5)), (pick(rng, (8, 16, 32)), pick(rng, (32, 48, 64, 128)))
    units, classes = pick(rng, (0, 20, 32, 50, 64, 100, 128)), integer(rng, 2, 20)
    convolutions = [
        geometry.convolution_parameters(kernel, 1, maps[0]),
        geometry.convolution_parameters(kernel, maps[0], maps[1]),
    ]
    hidden, inputs = geometry.dense_parameters(maps[1], units), units or maps[1]
    answer = geometry.dense_parameters(inputs, classes)
    frozen = sum(convolutions) + hidden
    middle = f" a dense layer of {units} units ({hidden:,} parameters)," if units else ""
    return typed(
        f"A network has two convolutions of {by(kernel)} with {maps[0]} and {maps[1]} filters "
        f"({sum(convolutions):,} parameters together), global average pooling,{middle} and a new dense output layer "
        f"for {classes} classes. All layers but the output layer are frozen. How many parameters are trained?",
        answer,
        rf"Only those of the output layer: each of its {classes} units has a weight for each of its {inputs} inputs "
        rf"and a bias, ${classes} \cdot ({inputs} + 1) = {num(answer)}$. The other ${num(frozen)}$ are frozen.",
        [
            (inputs * classes, "These are the weights alone; each unit has a bias as well."),
            (frozen + answer, "This is the number of all parameters; the frozen ones are not trained."),
            (frozen, "This is the number of frozen parameters."),
            (hidden + answer, "The dense layer before it is frozen as well."),
            (classes, "Each class has a weight for each input, not only a bias."),
            (
                geometry.dense_parameters(maps[1], classes),
                "The output layer reads the dense layer before it, not the maps.",
            ),
        ],
        facts={"kernel": kernel, "maps": maps, "units": units, "classes": classes},
    )


def _trained_share(rng: Rng) -> Question:
    inputs, classes = pick(rng, (32, 64, 100, 128, 256, 512)), integer(rng, 2, 30)
    trained = geometry.dense_parameters(inputs, classes)
    frozen = trained * integer(rng, 1, 30) + 100 * integer(rng, 1, 40)
    total = trained + frozen
    answer = 100 * trained / total
    return typed(
        f"A network has {total:,} parameters. Its output layer is dense, with {inputs} inputs and {classes} classes, "
        "and is the only one that is trained; all others are frozen. What percentage of the parameters is trained? "
        "Round to one decimal.",
        answer,
        rf"The output layer has ${classes} \cdot ({inputs} + 1) = {num(trained)}$ parameters: "
        rf"$100 \cdot {num(trained)} / {num(total)} = {num(answer, 3)} \approx {answer:.1f}$ per cent.",
        [
            (100 - answer, "This is the percentage that is frozen."),
            (answer / 100, "This is a fraction from 0 to 1, not a percentage."),
            (100 * inputs * classes / total, "The biases are trained as well."),
            (100 * trained / frozen, "The percentage is of all parameters, not of the frozen ones."),
            (100 * classes / total, "Each class has a weight for each input, not only a bias."),
        ],
        decimals=1,
        facts={"inputs": inputs, "classes": classes, "total": total},
    )


def _what_is_frozen(rng: Rng) -> Question:
    images, classes = 10 * integer(rng, 5, 40), integer(rng, 2, 9)
    frozen = pick(rng, (True, False))
    early, output = "The convolutions", "The output layer"
    both, neither = "All layers", "No layer"
    start = (
        f"A network that classifies ten kinds of clothes is to learn {classes} new kinds from only {images} "
        "images, by transfer learning. "
    )
    why = (
        "The convolutions find edges and shapes that the new images have as well: they are frozen. Only the step from "
        f"them to the {classes} new kinds is new: the output layer is replaced and trained on the {images} images."
    )
    if frozen:
        return chosen(
            rng,
            start + "Which part keeps its weights?",
            early,
            why,
            {
                output: f"It has ten units for the old kinds and now needs {classes} for the new ones: it is trained.",
                both: "Then nothing could learn, and the network would know only the old kinds.",
                neither: f"Then all weights would have to be learned again, from only {images} images.",
            },
            facts={"images": images, "classes": classes, "frozen": frozen},
        )
    return chosen(
        rng,
        start + "Which part is replaced and trained first?",
        output,
        why,
        {
            early: "They find edges and shapes, which the new images have as well.",
            both: f"This would be training from scratch, with only {images} images.",
            neither: f"The output layer has ten units for the old kinds, and it must distinguish {classes} new ones.",
        },
        facts={"images": images, "classes": classes, "frozen": frozen},
    )


def _frozen_weight(rng: Rng) -> Question:
    w, gradient = integer(rng, -99, 99) / 100, one_decimal(rng, -40, 40)
    rate, steps = pick(rng, (0.01, 0.05, 0.1)), integer(rng, 1, 3)
    moved = round(w - steps * rate * gradient, 3)
    return typed(
        rf"A weight of a frozen layer is $w = {num(w)}$. At each step the gradient of the loss with respect to it is "
        rf"$g = {num(gradient)}$, the learning rate is $\eta = {num(rate)}$. What is the weight after "
        f"{counted(steps, 'step')} of training? Give three decimals.",
        w,
        rf"A frozen weight is not changed, whatever its gradient is: it stays ${num(w)}$.",
        [
            (moved, "In a layer that is trained it would move there; a frozen weight does not move."),
            (
                round(w - rate * gradient, 3),
                "In a layer that is trained one step would lead there; a frozen weight does not move.",
            ),
            (round(w + steps * rate * gradient, 3), "A frozen weight does not move in either direction."),
            (0, "Frozen does not mean zero: the weight keeps its value."),
        ],
        decimals=3,
        facts={"w": w, "gradient": gradient, "rate": rate, "steps": steps},
    )


KINDS = (_only_the_output, _trained_share, _what_is_frozen, _frozen_weight)
