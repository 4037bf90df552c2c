"""A strategy with somebody's own callbacks, `helpers.search.Chooses` in a config."""

from batchf1.keras import BatchMean


class Chooses(BatchMean):
    """The batch mean, and beside it the callbacks that `made` makes of a run's validation data."""

    name = "chooses"
    made = ()

    def callbacks(self, train=None, validation=None):
        return [*super().callbacks(), *(make(validation[0].x) for make in self.made)]
