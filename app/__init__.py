"""What people touch: pages, charts, the command line, and the workers behind them."""
