"""The plots: functions from values to a drawing of a given width."""
