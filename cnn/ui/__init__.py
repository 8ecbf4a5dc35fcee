"""What the pages share: the shell around each page, forms, the live view of a run, the ways in for a picture."""
