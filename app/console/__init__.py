"""Pages for people: the connections of a workspace, their changes and the proof of these."""
