"""The simulated class: the queue against the formulas of queueing theory, and what is counted in a lesson."""

import math
import random
from itertools import pairwise

import pytest

from benchmarks import classroom
from benchmarks.classroom import Job, outcome, simulate

NEVER = math.inf


def erlang_c_wait(rate: float, service: float, servers: int) -> float:
    """The mean wait in an M/M/c queue (Erlang 1917): arrivals a second, seconds a job, servers."""
    load = rate * service
    last = load**servers / math.factorial(servers) / (1 - load / servers)
    waits = last / (sum(load**n / math.factorial(n) for n in range(servers)) + last)
    return waits * service / (servers - load)


def repairman_throughput(people: int, service: float, thinking: float) -> float:
    """Jobs a second of a closed M/M/1 queue whose customers think between two jobs, by mean value analysis."""
    queue = 0.0
    for count in range(1, people + 1):
        response = service * (1 + queue)
        throughput = count / (response + thinking)
        queue = throughput * response
    return throughput


def test_the_formulas_hold_where_they_are_simple():
    assert erlang_c_wait(0.7, 1.0, 1) == pytest.approx(0.7 / 0.3), "M/M/1: load / (1 - load) services"
    assert erlang_c_wait(1.5, 1.0, 2) == pytest.approx(9 / 7), "M/M/2: load² / (4 - load²) services"
    assert repairman_throughput(1, 2.0, 8.0) == 0.1


@pytest.mark.parametrize(("servers", "load"), [(1, 0.6), (2, 0.75), (3, 0.7), (10, 0.8)])
def test_the_mean_wait_is_that_of_erlangs_formula(servers, load):
    chance, service = random.Random(1), 30.0
    rate = load * servers / service
    now, first = 0.0, []
    for _ in range(150_000):
        now += chance.expovariate(rate)
        first.append(now)
    jobs = simulate(first, servers, lambda: chance.expovariate(1 / service), lambda: NEVER, NEVER)
    mean = sum(job.began - job.asked for job in jobs) / len(jobs)
    assert len(jobs) == len(first)
    assert mean == pytest.approx(erlang_c_wait(rate, service, servers), rel=0.05)


@pytest.mark.parametrize("people", [3, 12, 40])
def test_people_who_ask_again_load_it_as_the_repairman_formula_says(people):
    chance, service, thinking, until = random.Random(2), 35.0, 480.0, 2e6
    first = [chance.expovariate(1 / thinking) for _ in range(people)]
    jobs = simulate(first, 1, lambda: chance.expovariate(1 / service), lambda: chance.expovariate(1 / thinking), until)
    assert len(jobs) / until == pytest.approx(repairman_throughput(people, service, thinking), rel=0.02)


def test_whoever_asks_first_is_served_first_and_no_machine_serves_two():
    chance = random.Random(3)
    first = [chance.uniform(0, 60) for _ in range(50)]
    jobs = simulate(first, 3, lambda: chance.uniform(5, 30), lambda: chance.uniform(0, 40), 3600)
    assert len(jobs) > 200
    assert all(a.asked <= b.asked and a.began <= b.began for a, b in pairwise(jobs))
    for job in jobs:
        at_work = [other for other in jobs if other.began <= job.began < other.ended]
        assert len(at_work) <= 3
        waited = job.began > job.asked
        assert not waited or len([o for o in jobs if o.began <= job.asked < o.ended]) == 3, "no machine stood idle"


def test_one_machine_serves_three_students_in_turn():
    jobs = simulate([2.0, 0.0, 1.0], 1, lambda: 10.0, lambda: 100.0, until=110.0)
    assert jobs[:3] == [Job(0.0, 0.0, 10.0), Job(1.0, 10.0, 20.0), Job(2.0, 20.0, 30.0)]
    assert not jobs[3:], "from second 110 on nobody asks again"


def test_a_lesson_counts_waits_to_their_end_and_work_within_it():
    jobs = [Job(0.0, 0.0, 50.0), Job(1.0, 50.0, 130.0), Job(40.0, 130.0, 180.0)]
    found = outcome(jobs, servers=1, lesson=120.0)
    assert (found.asked, found.finished, found.waiting) == (3, 1, 1)
    assert found.utilisation == 1.0
    assert (found.mean, found.median, found.longest, found.late) == (pytest.approx(139 / 3), 49.0, 90.0, 90.0)
    assert found.over_a_minute == pytest.approx(1 / 3)
    assert outcome(jobs, servers=2, lesson=200.0).utilisation == pytest.approx(0.45)


def test_the_95th_percentile_is_the_least_wait_that_95_of_100_do_not_exceed():
    jobs = [Job(0.0, float(n), 200.0) for n in range(1, 101)]
    assert outcome(jobs, 100, 300.0).late == 95.0


# --- the command ------------------------------------------------------------------------------------------------


def run(monkeypatch, capsys, *arguments: str) -> str:
    monkeypatch.setattr("sys.argv", ["classroom", *arguments])
    monkeypatch.setattr(classroom, "machine", lambda: "a machine")
    classroom.main()
    return capsys.readouterr().out


def cells(printed: str, row: str) -> list[str]:
    return next(line for line in printed.splitlines() if line.startswith(f"| {row}")).strip("| ").split(" | ")[1:]


def test_more_machines_mean_more_runs_and_shorter_waits(monkeypatch, capsys):
    arguments = ["--times", "tiny=9,10", "fast=40", "--seeds", "5"]
    printed = run(monkeypatch, capsys, *arguments)
    finished = [int(cell.split()[0]) for cell in cells(printed, "runs finished")]
    waits = [float(cell.split()[0]) for cell in cells(printed, "minutes of waiting, mean")]
    assert finished == sorted(finished) and len(set(finished)) == 3
    assert waits == sorted(waits, reverse=True) and waits[0] > 10 and waits[2] < 1
    assert "--times tiny=9.0,10.0 fast=40.0" in printed and "tiny 50%, fast 50%" in printed
    assert run(monkeypatch, capsys, *arguments) == printed, "the seeds decide everything"


def test_a_larger_machine_serves_as_several(monkeypatch, capsys):
    common = ["--times", "tiny=9", "--mix", "tiny=1", "--seeds", "2"]
    three = run(monkeypatch, capsys, *common, "--machines", "3")
    one = run(monkeypatch, capsys, *common, "--machines", "1", "--runs-at-once", "3")
    assert cells(one, "minutes of waiting, longest") == cells(three, "minutes of waiting, longest")


def test_without_times_each_preset_is_trained_and_timed(monkeypatch, capsys):
    trained = []
    monkeypatch.setattr(classroom, "train", lambda config: (trained.append(config.preset), 12.345))
    printed = run(monkeypatch, capsys, "--repeats", "2", "--mix", "tiny=3", "fast=1", "--seeds", "1")
    assert trained == ["tiny", "fast", "tiny", "fast"]
    assert "--times tiny=12.3,12.3 fast=12.3,12.3" in printed and "tiny 75%, fast 25%" in printed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--mix", "tiny"], "'tiny' is not of the form NAME=VALUE"),
        (["--mix", "tiny=many"], "could not convert"),
        (["--mix", "huge=1"], "there is no preset huge"),
        (["--times", "tiny=9"], "--times says nothing of fast"),
    ],
)
def test_wrong_options_are_explained(monkeypatch, capsys, arguments, words):
    with pytest.raises(SystemExit):
        run(monkeypatch, capsys, *arguments)
    assert words in capsys.readouterr().err
