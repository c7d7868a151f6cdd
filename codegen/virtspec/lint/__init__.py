"""The linter: rules that find defects in a specification's LaTeX, and what is done with their findings."""
