"""Elements that run in the browser: one folder each, Python beside JavaScript, CSS and HTML."""
