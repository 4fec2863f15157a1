"""What training gives: coders trained by gradient. Needs torch."""
