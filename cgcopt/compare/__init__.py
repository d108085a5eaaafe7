"""Many problems times many solvers, judged by one evaluator, shown as tables and plots."""
