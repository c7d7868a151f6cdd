"""Emitters: the model as generated code. They share `engine` (templates) and `write` (files), and never each other."""
