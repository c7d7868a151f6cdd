"""What a revision changes for implementations: two models in, findings out.

`match` pairs what both models define, also under another name; `members`, `structs`, `constants`, `registries` and
`clauses` say what became of each pair; `rules` holds the catalogue with its verdicts (see docs/verdicts.md);
`side_by_side` and `sample` show a finding as layouts and as bytes. `compare.compare_specs` runs them all.
"""
