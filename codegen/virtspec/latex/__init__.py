"""Reading LaTeX: the structure of a document, and its fragments as plain text."""
