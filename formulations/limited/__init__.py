"""Programs of problems within limits or with costs."""
