"""Networks of the UNet kind: a pyramid of resolutions with skips across it."""
