"""The scan of Keras programs: what `metrics=` is given, classes, steps, labels."""

import textwrap

import pytest

from batchf1.scan.scanner import scan

HEAD = '''
import numpy as np
import tensorflow as tf
from functools import partial
from tensorflow.keras import backend as K
from sklearn.metrics import f1_score as sk_f1, roc_auc_score

def recall_m(y, p):
    return K.sum(K.round(y * p)) / (K.sum(K.round(y)) + K.epsilon())

def precision_m(y, p):
    return K.sum(K.round(y * p)) / (K.sum(K.round(p)) + K.epsilon())

def f1_m(y, p):
    """F1."""
    a, b = precision_m(y, p), recall_m(y, p)
    return 2 * ((a * b) / (a + b + K.epsilon()))

model = tf.keras.Sequential()
'''

WRONG = {
    "from two functions": "metrics = [f1_m]",
    "macro": """
        def it(y, p):
            tp = K.sum(y * p, axis=0)
            f1 = 2 * tp / (K.sum(y, axis=0) + K.sum(p, axis=0) + 1e-7)
            return K.mean(tf.where(tf.math.is_nan(f1), tf.zeros_like(f1), f1))
        metrics = [it]
        """,
    "MCC": """
        def it(y, p):
            n, m = 1 - y, 1 - p
            tp, tn, fp, fn = K.sum(y * p), K.sum(n * m), K.sum(n * p), K.sum(y * m)
            return (tp * tn - fp * fn) / K.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
        metrics = [it]
        """,
    "R2": """
        def it(y, p):
            return 1 - K.sum(K.square(y - p)) / K.sum(K.square(y - K.mean(y)))
        metrics = [it]
        """,
    "RMSE": "metrics = [lambda y, p: K.sqrt(K.mean(K.square(y - p)))]",
    "Pearson": """
        def it(y, p):
            a, b = y - K.mean(y), p - K.mean(p)
            return K.sum(a * b) / K.sqrt(K.sum(K.square(a)) * K.sum(K.square(b)))
        metrics = [it]
        """,
    "ratio of means": "metrics = [lambda y, p: tf.reduce_mean(y * p) / tf.reduce_mean(p)]",
    "AUC of scikit-learn": """
        def it(y, p):
            return tf.py_function(roc_auc_score, (y, p), tf.double)
        metrics = [it]
        """,
    "a lambda around scikit-learn": """
        def it(y, p):
            return tf.numpy_function(lambda a, b: sk_f1(a, b > .5), [y, p], tf.float64)
        metrics = [it]
        """,
    "Dice of flattened masks": """
        def it(y, p):
            a, b = K.flatten(y), K.flatten(p)
            return 2 * K.sum(a * b, axis=-1) / (K.sum(a, axis=-1) + K.sum(b, axis=-1))
        metrics = [it]
        """,
    "Jaccard of each class over the batch": """
        def it(y, p):
            both = K.sum(y * p, axis=(0, 1, 2))
            return K.mean(both / (K.sum(y + p, axis=(0, 1, 2)) - both))
        metrics = [it]
        """,
    "accuracy of one class alone": """
        def accuracy_of_class(y, p):
            ours = K.cast(K.equal(K.argmax(y), 2), "float32")
            return K.sum(ours * K.cast(K.equal(K.argmax(p), 2), "float32")) / K.sum(ours)
        metrics = [accuracy_of_class]
        """,
    "running values of TensorFlow 1": """
        def it(y, p):
            score, update = tf.metrics.mean_iou(y, p > 0.5, 2)
            with tf.control_dependencies([update]):
                score = tf.identity(score)
            return score
        metrics = [it]
        """,
    "a function of Keras 1": "from keras.metrics import fmeasure\nmetrics = [fmeasure]",
    "wrapped": "metrics = [tf.keras.metrics.MeanMetricWrapper(f1_m, name='f1')]",
    "partial": "metrics = [partial(f1_m)]",
    "appended": "metrics = ['accuracy']\nmetrics.append(f1_m)",
    "added": "metrics = ['accuracy']\nmetrics += [f1_m]",
    "an entry of settings": "settings = {'metrics': [f1_m]}\nmetrics = settings['metrics']",
    "a conditional": "metrics = [f1_m] if model else []",
    "outputs by name": "metrics = {'mask': ['accuracy', f1_m]}",
    "a list from a function": """
        def both():
            found = ['accuracy', f1_m]
            return found
        metrics = both()
        """,
    "a static method": """
        class Scores:
            @staticmethod
            def f1(y, p):
                return K.sum(y * p) / K.sum(y + p)
        metrics = [Scores.f1]
        """,
    "a method of an object": """
        class Scores:
            def f1(self, y, p):
                return K.sum(y * p) / K.sum(y + p)
        metrics = [Scores().f1]
        """,
    "its own registered name": """
        tf.keras.utils.get_custom_objects()['mine'] = f1_m
        metrics = ['mine']
        """,
    "segmentation_models": "import segmentation_models as sm\nmetrics = [sm.metrics.IOUScore(0.5)]",
}
RIGHT = {
    "built in": "metrics = ['accuracy', 'AUC', tf.keras.metrics.Precision(), 'mse']",
    "accuracy of one's own": "metrics = [lambda y, p: K.mean(K.equal(y, K.round(p)))]",
    "accuracy as a ratio": """
        def it(y, p):
            same = K.sum(K.cast(K.equal(y, K.round(p)), 'float32'))
            return same / K.cast(K.shape(y)[0], 'float32')
        metrics = [it]
        """,
    "Dice of each image": """
        def it(y, p):
            both = K.sum(y * p, axis=[1, 2, 3])
            return K.mean((2 * both + 1) / (K.sum(y + p, axis=[1, 2, 3]) + 1))
        metrics = [it]
        """,
    "F1 of each sample": """
        def it(y, p):
            return 2 * K.sum(y * p, axis=-1) / (K.sum(y, axis=-1) + K.sum(p, axis=-1))
        metrics = [it]
        """,
    "IoU in a loop over images": """
        def one(y, p):
            return K.sum(y * p) / K.sum(y + p - y * p)
        def it(y, p):
            total = 0.0
            for i in range(len(y)):
                total += one(y[i], p[i])
            return total / len(y)
        metrics = [it]
        """,
    "mapped over images": """
        def it(y, p):
            return K.mean(tf.map_fn(lambda one: K.sum(one[0] * one[1]) / K.sum(one[0]), (y, p)))
        metrics = [it]
        """,
    "a share of predicted positives": "metrics = [lambda y, p: K.mean(p)]",
    "accuracy of what is not masked": """
        def masked_accuracy(y, p):
            mask = tf.cast(y != 0, tf.float32)
            return tf.reduce_sum(tf.cast(y == p, tf.float32) * mask) / tf.reduce_sum(mask)
        metrics = [masked_accuracy]
        """,
    "accuracy with a mask": """
        def tag_accuracy(y, p, mask=None):
            same = K.cast(K.equal(y, K.argmax(p)), "float32")
            if mask is None:
                return K.mean(same)
            mask = K.cast(mask, "float32")
            return K.sum(same * mask) / K.sum(mask)
        metrics = [tag_accuracy]
        """,
    "micro average of one label": """
        def it(y, p):
            return tf.py_function(lambda a, b: sk_f1(a, b, average='micro'), (y, p), tf.double)
        metrics = [it]
        """,
    "a loss among the metrics": """
        def dice_loss(y, p):
            return 1 - 2 * K.sum(y * p) / K.sum(y + p)
        metrics = [dice_loss]
        """,
    "images of segmentation_models": """
        import segmentation_models as sm
        metrics = [sm.metrics.IOUScore(per_image=True)]
        """,
}


def found(tmp_path, code, **options):
    file = tmp_path / "program.py"
    file.write_text(code)
    return scan([str(file)], **options).findings


def compiled(body):
    return f"{HEAD}{textwrap.dedent(body)}\nmodel.compile('adam', 'bce', metrics=metrics)\n"


@pytest.mark.parametrize("name", WRONG)
def test_a_function_whose_batches_are_averaged_is_found(tmp_path, name):
    (one,) = found(tmp_path, compiled(WRONG[name]))
    assert one.rule == "BF101"
    assert one.level in ("sure", "choice")


@pytest.mark.parametrize("name", RIGHT)
def test_what_may_be_averaged_is_not(tmp_path, name):
    assert found(tmp_path, compiled(RIGHT[name])) == []


def test_an_overlap_of_masks_is_a_choice_and_f1_is_not(tmp_path):
    code = HEAD + "def dice(y, p): return K.sum(y * p) / K.sum(y + p)\n"
    findings = found(tmp_path, code + "model.compile('adam', 'bce', metrics=[dice, f1_m])\n")
    assert {one.symbol: one.level for one in findings} == {"dice": "choice", "f1_m": "sure"}


@pytest.mark.parametrize(
    "call",
    [
        "model.compile('adam', 'bce', [f1_m])",
        "model.compile(loss='bce', weighted_metrics=[f1_m])",
        "model.compile(**{'metrics': [f1_m]})",
        "settings = dict(metrics=[f1_m])\nmodel.compile(**settings)",
        "def build(metrics=[f1_m]):\n    model.compile(metrics=metrics)",
        "def build(metrics):\n    model.compile(metrics=metrics)\nbuild([f1_m])",
        "def build(metrics):\n    model.compile(metrics=metrics)\nbuild(metrics=[f1_m])",
        "class A:\n  def a(self):\n    self.m = [f1_m]\n    model.compile(metrics=self.m)",
    ],
)
def test_every_way_into_compile_is_followed(tmp_path, call):
    (one,) = found(tmp_path, f"{HEAD}{call}\n")
    assert (one.rule, one.symbol) == ("BF101", "f1_m")


def test_a_function_of_another_file_is_followed_through_its_import(tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "__init__.py").write_text("from .scores import f1_m\n")
    (tmp_path / "lib" / "scores.py").write_text(HEAD)
    (tmp_path / "near.py").write_text(
        "import lib.scores as s\nfrom lib import f1_m\nfrom lib.scores import *\n"
        "m.compile(metrics=[s.recall_m])\nm.compile(metrics=[f1_m])\n"
        "m.compile(metrics=[precision_m])\n"
    )
    assert [one.line for one in scan([str(tmp_path)]).findings] == [4, 5, 6]
    assert scan([str(tmp_path / "near.py")]).findings == []


def test_a_name_without_a_definition_is_reported_on_demand(tmp_path):
    code = "from elsewhere import f1\nmodel.compile(metrics=[f1])\n"
    assert found(tmp_path, code) == []
    assert [one.level for one in found(tmp_path, code, by_name=True)] == ["by-name"]


def test_callbacks_that_choose_by_the_value_are_named(tmp_path):
    (one,) = found(
        tmp_path,
        f"{HEAD}model.compile(metrics=[f1_m])\n"
        "stop = EarlyStopping(monitor='val_f1_m')\nkeep = ModelCheckpoint('a.keras', 'val_loss')\n",
    )
    assert one.message.endswith(f"; EarlyStopping in line {one.line + 1} goes by val_f1_m")
    assert "ModelCheckpoint" not in one.message


METRIC = """
class It(tf.keras.metrics.Metric):
    def __init__(self, name="f1", **options):
        super().__init__(name=name, **options)
        self.total = self.add_weight(name="total")
        self.n = self.add_weight(name="n")
        self.plain = 0
        self.mean = tf.keras.metrics.Mean()

    def update_state(self, y, p, sample_weight=None):
        {}

    def result(self):
        return self.total / self.n
"""


@pytest.mark.parametrize(
    ("update", "rule"),
    [
        ("self.total.assign_add(f1_m(y, p))", "BF102"),
        ("self.total.assign(self.total + f1_m(y, p))", "BF102"),
        ("self.mean.update_state(f1_m(y, p))", "BF102"),
        ("self.total = self.total + 0; self.plain += f1_m(y, p)", "BF102"),
        ("self.total.assign_add(K.sum(y * p))", None),
        ("self.total.assign_add(K.sum(y * p)); self.n.assign_add(1)", None),
        ("self.total.assign_add(K.sum(y * p, axis=0)); self.n.assign_add(K.sum(p, axis=0))", None),
        ("self.plain += K.sum(y * p)", "BF103"),
    ],
)
def test_a_class_is_judged_by_what_it_keeps(tmp_path, update, rule):
    findings = found(tmp_path, HEAD + METRIC.format(update))
    assert [one.rule for one in findings] == ([rule] if rule else [])


def test_a_class_with_an_empty_reset_is_never_reset(tmp_path):
    code = METRIC.format("self.total.assign_add(K.sum(y))") + "    def reset_state(self): pass\n"
    assert [one.rule for one in found(tmp_path, HEAD + code)] == ["BF103"]


def test_a_mean_that_is_given_batch_values_is_found(tmp_path):
    code = """
class Net(tf.keras.Model):
    def train_step(self, data):
        x, y = data
        self.loss_tracker.update_state(self.loss(y, self(x)))
        self.f1_tracker.update_state(f1_m(y, self(x)))  # wrong
        self.precision.update_state(y, self(x))
        return {"loss": self.loss_tracker.result()}

    def test_step(self, data):
        x, y = data
        return {"f1": f1_m(y, self(x))}  # wrong

    def call(self, x):
        self.add_metric(K.mean(x), name="mean")
        self.add_metric(f1_m(self.y, x), name="f1")  # wrong
        return x

seen = tf.keras.metrics.Mean()

@tf.function
def step(x, y):
    seen(f1_m(y, model(x)))  # wrong

for x, y in loader:
    seen.update_state(f1_m(y, model(x)))  # wrong
"""
    text = HEAD + code
    wanted = [n for n, line in enumerate(text.split("\n"), 1) if "# wrong" in line]
    findings = found(tmp_path, text)
    assert [one.line for one in findings] == wanted
    assert {one.rule for one in findings} == {"BF104"}


@pytest.mark.parametrize(
    ("labels", "flat"),
    [
        ("table['y']", True),
        ("table['y'].values", True),
        ("table[['y']].values", False),
        ("y.ravel()", True),
        ("np.array(table['y'])", True),
        ("table['y'].values.reshape(-1, 1)", False),
        ("table['y'].values[:, None]", False),
        ("to_categorical(table['y'])", False),
    ],
)
def test_labels_that_stay_flat_are_a_note_beside_a_function(tmp_path, labels, flat):
    code = f"{HEAD}model.compile(metrics=[f1_m])\nmodel.fit(x, {labels})\n"
    notes = [one for one in found(tmp_path, code) if one.rule == "BF105"]
    assert [one.level for one in notes] == ["note"] * flat
    alone = code.replace("[f1_m]", "['accuracy']")
    assert found(tmp_path, alone) == []


def test_labels_are_followed_through_a_split(tmp_path):
    code = "a, b, c, d = train_test_split(x, table['y'])\nmodel.fit(a, c)\n"
    findings = found(tmp_path, f"{HEAD}model.compile(metrics=[f1_m])\n{code}")
    assert [(one.rule, one.symbol) for one in findings] == [("BF101", "f1_m"), ("BF105", "c")]
