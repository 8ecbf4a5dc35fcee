"""Images are added in the background: seen, stopped, one job at a time, and whatever fails is a sentence."""

import threading

import pytest

from cnn.data import own_datasets
from cnn.data.changes import NotChanged
from cnn.ui.collect import jobs
from tests.data.folders_of_images import png


@pytest.fixture
def dataset(monkeypatch):
    monkeypatch.setattr(jobs, "_PATIENCE", 0.05)
    made = own_datasets.create("Shoes")
    made.add_class("Boot")
    yield made
    jobs._jobs.clear()


def slow(release: threading.Event, count: int = 4):
    """Files of which the third comes when it is released."""
    for number in range(count):
        if number == 2:
            release.wait(20)
        yield f"{number}.png", png(number)


def test_a_long_job_is_seen_while_it_goes_on_and_holds_off_another(dataset):
    release, ended = threading.Event(), []
    job = jobs.begin(
        dataset,
        "Adding",
        lambda report: dataset.add("Boot", jobs.counted(slow(release), 4, report)),
        lambda: ended.append(True),
    )
    assert job.is_running and jobs.of(own_datasets.own("Shoes")) is job and not ended
    with pytest.raises(NotChanged, match="are being added to this dataset already"):
        jobs.begin(dataset, "Adding", lambda report: dataset.add("Boot", []))
    jobs.dismiss(dataset)
    assert jobs.of(dataset) is job, "nobody forgets what goes on"
    release.set()
    assert job.wait(20) and (job.done, job.of) == (3, 4) and job.added.added == {"Boot": 4} and ended == [True]
    jobs.dismiss(dataset)
    assert jobs.of(dataset) is None


def test_what_is_stopped_leaves_nothing(dataset):
    release = threading.Event()
    job = jobs.begin(dataset, "Adding", lambda report: dataset.add("Boot", jobs.counted(slow(release), 4, report)))
    job.is_stopped = True
    release.set()
    assert job.wait(20) and job.problem == "Stopped. Nothing was added."
    assert dataset.listing().counts() == {"Boot": 0} and dataset.last_change().text == "The class Boot was added."


@pytest.mark.parametrize(
    ("failure", "said"),
    [(OSError(28, "No space left on device"), "disk is full"), (MemoryError(), "add fewer at once")],
)
def test_what_fails_is_said(dataset, failure, said):
    def files():
        yield "a.png", png(1)
        raise failure

    job = jobs.begin(dataset, "Adding", lambda report: dataset.add("Boot", jobs.counted(files(), 2, report)))
    assert job.wait(20) and said in job.problem and dataset.listing().counts() == {"Boot": 0}
