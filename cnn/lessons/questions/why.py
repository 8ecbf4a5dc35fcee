"""Questions on why convolutions: parameters and positions, each a function of a random generator."""

from cnn.config import counted, geometry
from cnn.lessons.questions.latex import by, num
from cnn.lessons.questions.question import Question, Rng, chosen, integer, pick, typed

# ---------------------------------------------------------------- why convolutions


def _dense_layer(rng: Rng) -> Question:
    edge, channels = pick(rng, (16, 20, 28, 32, 48, 64, 96, 100, 128, 200, 224)), pick(rng, (1, 3))
    units = pick(rng, (8, 10, 16, 20, 32, 50, 64, 100, 128, 256))
    values = edge * edge * channels
    answer = geometry.dense_parameters(values, units)
    return typed(
        f"An image of {by(edge)} pixels with {counted(channels, 'channel')} is flattened and goes into a dense "
        f"layer of {units} units. How many parameters does the layer have, weights and biases together?",
        answer,
        rf"Flattened, the image has ${edge} \cdot {edge} \cdot {channels} = {num(values)}$ values. Each of the "
        rf"{units} units has a weight for each of them and one bias: ${units} \cdot ({num(values)} + 1) = "
        f"{num(answer)}$.",
        [
            (values * units, "These are the weights alone; each unit has a bias as well."),
            (values * units + 1, "Each unit has its own bias; the layer has more than one."),
            (units * (edge * edge + 1), "A pixel of a colour image has three values, one in each channel."),
            (units * (edge * channels + 1), "The number of pixels is the edge squared, not the edge."),
            (values + units, "Each unit has a weight for each value: the two numbers are multiplied, not added."),
            (values + 1, "These are the parameters of a single unit."),
        ],
        facts={"edge": edge, "channels": channels, "units": units},
    )


def _same_map(rng: Rng) -> Question:
    kernel, channels = integer(rng, 2, 7), pick(rng, (1, 3))
    edge = kernel * integer(rng, 2, 60 // kernel)
    pixels, weights = edge**2, kernel**2 * channels
    values = pixels * channels
    answer = pixels * values // weights
    return typed(
        f"A layer makes one map of {by(edge)} values from an image of {by(edge)} pixels with "
        f"{counted(channels, 'channel')}. A dense layer needs a unit for each value of the map; a convolution needs "
        f"one filter of {by(kernel)}. How many times as many weights does the dense layer have, not counting biases?",
        answer,
        rf"The dense layer has ${edge}^2 = {num(pixels)}$ units with ${edge}^2 \cdot {channels} = {num(values)}$ "
        rf"weights each; the convolution has ${kernel}^2 \cdot {channels} = {weights}$ weights, shared by all "
        rf"positions: ${num(pixels)} \cdot {num(values)} \,/\, {weights} = {num(answer)}$.",
        [
            (values // weights, "This compares one dense unit with the filter; the map needs a unit for each value."),
            (pixels * values, "This is the number of the dense layer's weights, not yet divided by the filter's."),
            (values, "This is the number of weights of one dense unit."),
            (answer * channels, "The filter has weights for each channel as well."),
            (answer * kernel, "The number of weights in a kernel is its edge squared, not its edge."),
            (edge**2 // kernel, "Both the image and the kernel have two dimensions: square both edges."),
        ],
        facts={"edge": edge, "kernel": kernel, "channels": channels},
    )


def _larger_image(rng: Rng) -> Question:
    kind, factor = pick(rng, ("convolution", "dense")), integer(rng, 2, 4)
    edge, kernel, channels = integer(rng, 8, 64), pick(rng, (3, 5, 7)), pick(rng, (1, 3))
    units = pick(rng, (8, 16, 32, 64, 128))
    stays = "It stays the same."
    once, squared, fourth = (f"It is multiplied by {factor**power}." for power in (1, 2, 4))
    larger = by(factor * edge)
    facts = {"kind": kind, "factor": factor, "edge": edge, "kernel": kernel, "channels": channels, "units": units}
    if kind == "convolution":
        parameters = geometry.convolution_parameters(kernel, channels, units)
        return chosen(
            rng,
            f"A convolution of {units} filters of {by(kernel)} has {parameters:,} parameters. Its input is images "
            f"of {by(edge)} pixels with {counted(channels, 'channel')}. What happens to the number of its "
            f"parameters if the images have {larger} pixels?",
            stays,
            rf"${units} \cdot ({kernel} \cdot {kernel} \cdot {channels} + 1) = {num(parameters)}$: the size of the "
            "image does not appear in it, because the same kernels are used at every position.",
            {
                once: "The image's edge grows by this factor, but the kernels do not grow with it.",
                squared: "The number of pixels grows by this factor, but all positions share the same kernels.",
                fourth: "A dense layer with one unit for each pixel would grow like this.",
            },
            facts=facts,
        )
    weights = edge * edge * channels * units
    return chosen(
        rng,
        f"A dense layer of {units} units has {weights:,} weights. Its input is flattened images of {by(edge)} "
        f"pixels with {counted(channels, 'channel')}. What happens to the number of its weights if the images have "
        f"{larger} pixels?",
        squared,
        rf"Each unit has a weight for each value: ${edge}^2 \cdot {channels} \cdot {units} = {num(weights)}$ before, "
        rf"${factor * edge}^2 \cdot {channels} \cdot {units} = {num(weights * factor**2)}$ after, which is "
        rf"${factor}^2 = {factor**2}$ times as many.",
        {
            stays: "This would be right for a convolution with shared kernels; a dense unit has a weight per pixel.",
            once: "The edge grows by this factor; the number of pixels grows with its square.",
            fourth: "This would be right if the number of units grew like the number of pixels.",
        },
        facts=facts,
    )


def _uses_of_a_weight(rng: Rng) -> Question:
    kernel, edge = integer(rng, 2, 7), integer(rng, 10, 64)
    places = geometry.output_size(edge, kernel)
    return typed(
        f"A kernel of {by(kernel)} slides over an image of {by(edge)} pixels with stride 1 and without "
        "padding. At how many positions of the image is each of its weights used?",
        places**2,
        rf"The kernel has ${edge} - {kernel} + 1 = {places}$ positions along each axis, and at each of them all its "
        rf"weights are used once: ${places} \cdot {places} = {num(places**2)}$.",
        [
            (places, "This is the number of positions along one axis; the kernel slides along both."),
            (edge**2, "Near the border the kernel does not fit: it has fewer positions than there are pixels."),
            ((edge - kernel) ** 2, "The first position counts as well: along an axis there is one more than that."),
            (kernel**2, "This is the number of weights; the question asks how often each one is used."),
            (1, "All positions share the kernel's weights, so each is used more than once."),
        ],
        facts={"edge": edge, "kernel": kernel},
    )


KINDS = (_dense_layer, _same_map, _larger_image, _uses_of_a_weight)
