"""Retrospective illumination correction: the light's own shading, estimated from all fields and divided out.

The mean of many fields, smoothed, is what the light, the optics and the camera do to every one of them. Sums over
fields are whole numbers or fixed-point ones, so the mean does not depend on the order of adding.
"""
