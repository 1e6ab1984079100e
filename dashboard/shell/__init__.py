"""What every page uses: state, controls, choices, the line of a background task."""
