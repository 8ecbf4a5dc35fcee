"""The Sweeps page: the form for a sweep, and a sweep as it goes."""
