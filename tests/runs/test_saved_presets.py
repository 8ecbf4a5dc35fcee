"""People's own presets: their names, their files, and configurations that come from elsewhere."""

import json
from pathlib import Path

import pytest

from cnn import runs, train
from cnn.config import RunConfig, presets
from cnn.config.layers import Dense, Flatten
from cnn.runs import saved_presets

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
MINE = RunConfig(preset="tiny", layers=(Flatten(), Dense(units=7)))


def to_windows(text: str, encoding: str) -> bytes:
    """As Notepad or PowerShell save it; `utf-16` and `utf-32` begin with a byte order mark."""
    return text.replace("\n", "\r\n").encode(encoding)


def write(folder: Path, name: str, content: bytes) -> None:
    (folder / ".presets").mkdir(parents=True, exist_ok=True)
    (folder / ".presets" / name).write_bytes(content)


def test_a_saved_preset_is_found_by_its_name(runs_folder):
    assert saved_presets.own() == ({}, [])
    assert saved_presets.save("  My Net, 2nd  ", MINE) == "my-net-2nd"
    found, problems = saved_presets.own()
    assert list(found) == ["my-net-2nd"] and problems == []
    assert found["my-net-2nd"] == saved_presets.find("my-net-2nd") == MINE.model_copy(update={"preset": "my-net-2nd"})
    assert saved_presets.names() == [*presets(), "my-net-2nd"]
    assert [file.name for file in (runs_folder / ".presets").iterdir()] == ["my-net-2nd.json"]
    assert runs.all_runs() == []


def test_a_preset_is_overwritten_only_when_asked_to():
    saved_presets.save("net", MINE)
    other = MINE.model_copy(update={"layers": (Flatten(),)})
    with pytest.raises(saved_presets.PresetExists, match="already a preset net"):
        saved_presets.save("Net", other)
    assert saved_presets.find("net").layers == MINE.layers
    saved_presets.save("Net", other, overwrite=True)
    assert saved_presets.find("net").layers == other.layers


@pytest.mark.parametrize("text", ["", "  ", "---", "网络", "../../", *presets(), "Lecture", "-fast-"])
def test_names_that_cannot_be_are_refused(text, runs_folder):
    with pytest.raises(ValueError, match="name"):
        saved_presets.save(text, MINE)
    assert not (runs_folder / ".presets").exists()


def test_a_name_never_leaves_the_folder(runs_folder):
    assert saved_presets.save("../../etc/passwd", MINE) == "etc-passwd"
    assert (runs_folder / ".presets" / "etc-passwd.json").is_file()
    assert len(saved_presets.save("x" * 39 + "-" + "y" * 40, MINE)) == 39


def test_deleting_a_preset_leaves_the_others():
    saved_presets.save("one", MINE)
    saved_presets.save("two", MINE)
    saved_presets.delete("one")
    saved_presets.delete("one")
    assert list(saved_presets.own()[0]) == ["two"]
    with pytest.raises(saved_presets.UnknownPreset, match=r"no preset 'one'.*transfer, two"):
        saved_presets.find("one")


def test_deleting_stays_in_the_folder(runs_folder):
    write(runs_folder, "a.json", b"{}")
    (runs_folder / "b.json").write_text("{}")
    saved_presets.delete("../b")
    assert (runs_folder / "b.json").exists()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("bad.json", b"{", "It is not JSON. Line 1, column 1: unexpected end of the file."),
        ("bad.json", b'{"layers": [],\n "data": {},\n}', "It is not JSON. Line 3, column 1: trailing comma."),
        ("bad.json", b"[1 2]", 'It is not JSON. Line 1, column 4: expected "," or "]".'),
        ("bad.json", b"\x00\xff", "It is not JSON."),
        ("bad.json", b"[" * 5000, "It is not JSON."),
        ("bad.json", b'{"preset": "Gr\xfcn"}', "It is not JSON. Byte 15 is not UTF-8 text: save the file as UTF-8."),
        ("bad.json", b"\xff\xfe{\x00x", "It is not JSON. Byte 5 is not UTF-16 text: save the file as UTF-8."),
        ("bad.json", b"[]", "configuration: "),
        ("bad.json", b"{}", "layers: field required."),
        ("bad.json", b'{"layers": [{"kind": "dense"}]}', "Layer 1 (Dense 64 relu) needs a vector"),
        ("bad.json", b" " * 200_001, "200,001 bytes"),
        ("tiny.json", MINE.model_dump_json().encode(), "not that of a saved preset"),
        ("Bad name.json", MINE.model_dump_json().encode(), "not that of a saved preset"),
    ],
)
def test_bad_files_are_passed_over_with_a_sentence(runs_folder, name, content, reason):
    write(runs_folder, name, content)
    saved_presets.save("good", MINE)
    found, (problem,) = saved_presets.own()
    assert list(found) == ["good"]
    assert problem.startswith(f"The preset file {name} is passed over. ") and reason in problem
    assert problem.endswith(".") and "\n" not in problem


def test_a_folder_with_a_presets_name_is_passed_over(runs_folder):
    (runs_folder / ".presets" / "odd.json").mkdir(parents=True)
    found, (problem,) = saved_presets.own()
    assert found == {} and "odd.json is passed over. It cannot be read: Is a directory." in problem


def test_a_broken_preset_says_so_when_it_is_asked_for(runs_folder):
    write(runs_folder, "broken.json", b"{")
    with pytest.raises(saved_presets.Unreadable, match=r"preset broken cannot be used. It is not JSON"):
        saved_presets.find("broken")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_configuration_is_read_in_every_encoding_of_json(encoding, runs_folder):
    content = to_windows(saved_presets.to_json(MINE), encoding)
    assert saved_presets.parse(content) == MINE
    write(runs_folder, "mine.json", content)
    assert saved_presets.find("mine").layers == MINE.layers
    run = runs.create(MINE)
    (run.path / "config.json").write_bytes(content)
    assert runs.read(run.path).config == MINE


@pytest.mark.parametrize("name", presets())
def test_an_exported_configuration_is_a_runs_config_json(name):
    settings = presets()[name]
    exported = saved_presets.to_json(settings)
    assert saved_presets.parse(exported.encode()) == settings
    assert (runs.create(settings).path / "config.json").read_text(encoding="utf-8") == exported


@pytest.mark.parametrize("version", [0, -1, "1.5", "2", 2.0, True, None])
def test_another_version_is_named(version):
    values = {**json.loads(saved_presets.to_json(MINE)), "version": version, "something new": 1}
    with pytest.raises(saved_presets.Unreadable, match=f"of version {version}, and this program reads versions 1 to 2"):
        saved_presets.parse(json.dumps(values).encode())


def test_the_longest_configuration_can_be_imported():
    longest = MINE.model_copy(update={"layers": (presets()["wardrobe"].layers[0],) * 63 + (Flatten(),)})
    exported = saved_presets.to_json(longest).encode()
    assert saved_presets.parse(exported) == longest and len(exported) < 30_000


def test_a_preset_that_could_not_name_a_model_is_refused():
    values = {**json.loads(saved_presets.to_json(MINE)), "preset": "a\0b"}
    with pytest.raises(saved_presets.Unreadable, match=r"name of the preset, 'a\\x00b', contains a control character"):
        saved_presets.parse(json.dumps(values).encode())


def test_a_preset_of_ones_own_is_known_on_the_command_line():
    saved_presets.save("mine", MINE)
    options = train._parse(["--preset", "mine", "--epochs", "4"])
    settings = train._configure(options)
    assert settings.preset == "mine" and settings.layers == MINE.layers and settings.training.epochs == 4


def test_the_help_lists_ones_own_presets(capsys):
    saved_presets.save("mine", MINE)
    with pytest.raises(SystemExit):
        train.main(["--help"])
    assert "mine" in capsys.readouterr().out


def test_an_unknown_or_broken_preset_on_the_command_line(runs_folder, capsys):
    write(runs_folder, "broken.json", b"{")
    assert train.main(["--preset", "resnet"]) == 2
    assert "There is no preset 'resnet': choose one of lecture, " in capsys.readouterr().err
    assert train.main(["--preset", "broken"]) == 2
    assert "The preset broken cannot be used" in capsys.readouterr().err
