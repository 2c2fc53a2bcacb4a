"""Every compiled family in plain code: numpy, SciPy and scikit-image, what the kernels are tested against."""
