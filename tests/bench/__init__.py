"""Speed and memory, shown as ratios and medians measured in one run; never asserted by tests."""
