"""Files of an uploader in the session, as callbacks find them."""

import pytest
import streamlit as st
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.runtime.uploaded_file_manager import DeletedFile, UploadedFile, UploadedFileRec

from cnn.ui.collect import uploads

FILE = UploadedFile(UploadedFileRec("1", "Pets/Cat/1.png", "image/png", b"x"), FileURLs())
GONE = DeletedFile("2")


@pytest.mark.parametrize(
    ("value", "found"),
    [(None, []), ([], []), (FILE, [FILE]), (GONE, []), ([GONE, FILE], [FILE]), ([GONE, GONE], [])],
)
def test_what_the_server_has_forgotten_is_not_there(value, found, monkeypatch):
    monkeypatch.setattr(st, "session_state", {"files": value})
    assert uploads.chosen("files") == found and uploads.chosen("others") == []
    taken = uploads.taken_folder("files")
    assert (taken is None) == (not found)
    if taken:
        assert [(file.path, file.size, file.read()) for file in taken[0]] == [("Pets/Cat/1.png", 1, b"x")]
