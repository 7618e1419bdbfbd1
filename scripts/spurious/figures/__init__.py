"""The pipeline's figures: pure functions of arrays and data frames that return a matplotlib Figure."""
