"""Study of decisions: what is chosen by a logged F1, and the regret of that."""
