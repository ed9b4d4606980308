"""Parts of pages that more than one page shows, or that are too large to stand in their page."""
