"""What `curate qa` writes: report.html, and the findings for build servers."""
