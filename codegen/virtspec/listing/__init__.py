"""The C-like dialect of the specification's listings: tokens, unresolved nodes, a parser that recovers."""
