"""How large, how accurate and how faithful the files of a network for other programs are, as a table in Markdown.

    python -m benchmarks.exports [RUN...]

Without arguments of the shipped networks. All test images are measured, and the dataset has to be in Keras's cache.
"""

import argparse

from cnn import runs
from cnn.evaluation import exports


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exports", description=__doc__.split("\n")[0])
    parser.add_argument("runs", nargs="*", default=[run.id for run in runs.shipped()], help="ids or folders")
    print("| network | file | bytes | accuracy | largest difference |\n|---|---|---|---|---|")
    for name in parser.parse_args().runs:
        table = _made(runs.find(name))
        print(f"| `{name}` | the network itself | | {table.accuracy:.2%} | |", flush=True)
        for key, one in table.measured.items():
            title = exports.FORMATS[key].title
            print(f"| | {title} | {one.size:,} | {one.accuracy:.2%} | {one.difference:.1e} |", flush=True)
        for key, problem in table.problems.items():
            print(f"| | {exports.FORMATS[key].title} | {problem} | | |", flush=True)


def _made(run: runs.Run) -> exports.Table:
    steps = exports.making(run, patience=float("inf"))
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


if __name__ == "__main__":
    main()
