"""What features are called, their units and formulas, and the names and numbers that plain code and kernels share."""
