"""Every prompt of one run or of several with all its answers: what `explorer.html` holds."""
