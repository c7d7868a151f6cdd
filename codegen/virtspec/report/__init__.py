"""What the commands print: text, JSON, and the formats of other tools."""
