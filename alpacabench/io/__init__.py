"""Files: readers of every form of rows, the Hub, and the files of a run and of a sweep."""
