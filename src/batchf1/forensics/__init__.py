"""From the digits that a log printed back to the counts behind them."""
