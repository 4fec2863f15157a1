"""The rule for the number of pairs, on the rows of two streams: spectra, hypotheses, what laws can do."""
