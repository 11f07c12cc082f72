"""Predictions against labels: metrics and the page that shows them."""
