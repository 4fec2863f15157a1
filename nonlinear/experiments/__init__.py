"""The grids of training runs behind the empirical claims."""
