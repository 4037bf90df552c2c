"""Study of cost: time and memory of each strategy, measured."""
