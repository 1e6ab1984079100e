"""Runs as files and processes: run folders, snapshots, the worker that trains, and background tasks."""
