"""From a message to a patched source tree: mboxes, quoted replies, unified diffs, applied in memory."""
