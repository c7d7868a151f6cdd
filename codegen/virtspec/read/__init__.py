"""Blocks of the document as facts: tables, items, remarks, bindings, conditions, clauses."""
