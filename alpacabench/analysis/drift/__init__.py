"""Whether a judge still says what it said: a pinned set of pairs, judged again and again."""
