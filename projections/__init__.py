"""What can be seen: pure folds of recorded events into rows; standard library and msgspec only."""
