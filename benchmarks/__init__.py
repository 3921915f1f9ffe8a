"""Side-by-side timings against other libraries on the same work; each prints ratios and writes JSON."""
