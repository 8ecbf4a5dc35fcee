"""Questions on image size and colour, each a function of a random generator."""

from cnn.config import counted, geometry
from cnn.lessons.questions.latex import by, num
from cnn.lessons.questions.question import Question, Rng, integer, pick, typed

# ---------------------------------------------------------------- image size and colour


def _colour_parameters(rng: Rng) -> Question:
    kernel, filters = pick(rng, (3, 5, 7, 9, 11)), integer(rng, 4, 96)
    grey, colour = (geometry.convolution_parameters(kernel, channels, filters) for channels in (1, 3))
    answer = colour - grey
    return typed(
        f"The first convolution of a network has {filters} filters of {by(kernel)}. How many more parameters "
        "does it have if the images are in colour (RGB) instead of grey?",
        answer,
        rf"For grey images it has ${filters} \cdot ({kernel} \cdot {kernel} \cdot 1 + 1) = {num(grey)}$ parameters, "
        rf"for colour ${filters} \cdot ({kernel} \cdot {kernel} \cdot 3 + 1) = {num(colour)}$: ${num(answer)}$ more. "
        rf"The number of biases does not change.",
        [
            (2 * grey, "The weights are three times as many, but not the biases."),
            (colour, "This is the number for colour images; the question asks for the difference."),
            (answer // 2, "Two channels are added, not one."),
            (3 * kernel * kernel * filters, "One of the three channels was there before."),
            (0, "Each filter has a kernel for each channel of the image."),
            (2 * kernel * kernel, "This would be right for one filter."),
        ],
        facts={"kernel": kernel, "filters": filters},
    )


def _growing_work(rng: Rng) -> Question:
    factor, edge = integer(rng, 2, 9), integer(rng, 12, 64)
    kernel, filters = pick(rng, (3, 5, 7)), pick(rng, (8, 16, 32, 64))
    answer = factor**2
    return typed(
        f"A convolution of {filters} filters of {by(kernel)}, with stride 1 and padding “same”, takes images "
        f"of {by(edge)} pixels. How many times as many multiplications does it need for images of "
        f"{factor * edge} × {factor * edge} pixels?",
        answer,
        rf"It needs the same number at each pixel, and there are "
        rf"${num((factor * edge) ** 2)} / {num(edge**2)} = {factor}^2 = {answer}$ times as many pixels.",
        [
            (factor, "The edge grows by this factor; the number of pixels grows with its square."),
            (1, "The parameters stay the same, but they are used at more positions."),
            (factor**4, "A dense layer with one unit for each pixel would grow like this."),
            (factor**3, "Only height and width grow; the number of filters does not."),
            (2 * factor, "Height and width each grow by this factor: multiply, do not add."),
        ],
        facts={"factor": factor, "edge": edge, "kernel": kernel, "filters": filters},
    )


def _values_of_an_image(rng: Rng) -> Question:
    height, width = integer(rng, 6, 200) * 4, integer(rng, 6, 200) * 4
    answer = height * width * 3
    return typed(
        f"A colour image (RGB) is {width} pixels wide and {height} pixels high. How many values go into the network?",
        answer,
        rf"${height} \cdot {width} \cdot 3 = {num(answer)}$: one value for each pixel in each of the channels red, "
        "green and blue.",
        [
            (height * width, "A pixel of a colour image has three values."),
            (3 * (height + width), "The number of pixels is height times width."),
            (height * width * 4, "RGB has three channels; a fourth one would be transparency."),
            (height * width + 3, "There are three values in each pixel: multiply, do not add."),
            (height * width * 255, "A value can be as large as 255, but it is one value."),
        ],
        facts={"height": height, "width": width},
    )


def _multiplications(rng: Rng) -> Question:
    kernel, edge = pick(rng, (3, 5)), integer(rng, 8, 40)
    channels, filters = pick(rng, (1, 3, 4, 8)), pick(rng, (2, 4, 8, 10, 16))
    out = geometry.output_size(edge, kernel)
    each = kernel * kernel * channels
    answer = out * out * filters * each
    return typed(
        f"A convolution of {filters} filters of {by(kernel)} takes an image of {by(edge)} pixels with "
        f"{counted(channels, 'channel')}, with stride 1 and without padding. How many multiplications does it take?",
        answer,
        rf"Each of the {filters} maps has ${edge} - {kernel} + 1 = {out}$ values along an axis, and each value takes "
        rf"${kernel} \cdot {kernel} \cdot {channels} = {each}$ multiplications: "
        rf"${out} \cdot {out} \cdot {filters} \cdot {each} = {num(answer)}$.",
        [
            (
                edge * edge * filters * each,
                "This would be right with padding “same”; without padding the maps are smaller.",
            ),
            (out * out * each, "This would be right for one filter."),
            (out * out * filters * kernel * kernel, "Each filter multiplies in every channel."),
            (filters * each, "These are the weights; each of them is used at every position."),
            (out * filters * each, "A map has two axes, with the same number of values along each."),
            (out * out * filters, "This is the number of values that come out."),
        ],
        facts={"kernel": kernel, "edge": edge, "channels": channels, "filters": filters},
    )


KINDS = (_colour_parameters, _growing_work, _values_of_an_image, _multiplications)
