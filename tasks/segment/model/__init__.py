"""A learned model of objects: a network in an ONNX file, and what is made of its maps."""
