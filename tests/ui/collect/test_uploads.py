"""What was uploaded leaves the server's memory once it has been used."""

from types import SimpleNamespace

from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from cnn.ui.collect import uploads


def test_used_files_are_forgotten_and_no_others(monkeypatch):
    manager = MemoryUploadedFileManager("/upload")
    for file_id in ("used", "other"):
        manager.add_file("visit", UploadedFileRec(file_id, "a.png", "image/png", b"bytes"))
    context = SimpleNamespace(uploaded_file_mgr=manager, session_id="visit")
    monkeypatch.setattr(uploads, "get_script_run_ctx", lambda: context)
    forget = uploads.forgetting([SimpleNamespace(file_id="used")])
    assert len(manager.get_files("visit", ["used", "other"])) == 2
    forget()
    assert [file.file_id for file in manager.get_files("visit", ["used", "other"])] == ["other"]
