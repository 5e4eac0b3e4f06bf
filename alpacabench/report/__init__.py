"""The pages: one self-contained HTML file each, with inline SVG and without scripts.

Each page is imported by its own name (`run_report`, `sweep_report`, `compare_report`, `leaderboard_report`).
"""
