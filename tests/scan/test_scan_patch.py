"""The edits of `batchf1 scan --diff`: they apply, keep the name, and make the log right."""

import json
import runpy
import subprocess
from contextlib import redirect_stdout
from io import StringIO

import numpy as np
import pytest

from batchf1.cli import main as cli
from batchf1.scan.meaning import METRICS, meaning
from batchf1.scan.modules import Definition
from batchf1.scan.project import Project

pytest.importorskip("keras")

ARTICLE = '''
def recall_m(y_true, y_pred):
    tp = ops.sum(ops.round(ops.clip(y_true * y_pred, 0, 1)))
    return tp / (ops.sum(ops.round(ops.clip(y_true, 0, 1))) + keras.backend.epsilon())


def precision_m(y_true, y_pred):
    tp = ops.sum(ops.round(ops.clip(y_true * y_pred, 0, 1)))
    return tp / (ops.sum(ops.round(ops.clip(y_pred, 0, 1))) + keras.backend.epsilon())


def f1_m(y_true, y_pred):
    """F1."""
    precision, recall = precision_m(y_true, y_pred), recall_m(y_true, y_pred)
    return 2 * (precision * recall) / (precision + recall + keras.backend.epsilon())
'''.replace(
    "    precision, recall = precision_m(y_true, y_pred), recall_m(y_true, y_pred)\n",
    """\
    precision = precision_m(y_true, y_pred)
    recall = recall_m(y_true, y_pred)
""",
)
FUNCTIONS = f"""
from keras import Sequential, backend, layers, ops

{ARTICLE.replace("keras.backend", "backend")}

def jaccard(y_true, y_pred):
    hit = ops.cast(y_pred > 0.5, "float32")
    both = ops.sum(hit * y_true)
    return both / (ops.sum(hit) + ops.sum(y_true) - both)


def f2(y_true, y_pred):
    hit = ops.cast(ops.greater(y_pred, 0.5), "float32")
    tp = ops.sum(ops.multiply(hit, y_true))
    return 5 * tp / (4 * ops.sum(y_true) + ops.sum(hit) + 1e-9)


def f_half(y_true, y_pred):
    tp = ops.sum(ops.round(y_pred) * y_true)
    return 1.25 * tp / (ops.sum(ops.round(y_pred)) + 0.25 * ops.sum(y_true))
"""
FITTED = """
draw = np.random.default_rng(0)
x = draw.normal(size=(210, 3)).astype("float32")
y = (x[:, :1] + draw.normal(size=(210, 1)) > 0.8).astype("float32")
model = Sequential([layers.Dense(1, activation="sigmoid")])
model.compile("adam", "binary_crossentropy", metrics=["accuracy", {}])
model.build((None, 3))
model.layers[0].set_weights([np.ones((3, 1)), np.zeros(1)])
log = model.evaluate(x, y, batch_size=32, verbose=0, return_dict=True)
score = model.predict(x, batch_size=32, verbose=0)
print(json.dumps([log, y.ravel().tolist(), score.ravel().tolist()]))
"""
BETA = {"f1_m": 1, "f2": 2, "f_half": 0.5}
SAME = {
    "f1_m": "StreamingRatio(",
    "precision_m": "metrics.Precision(",
    "recall_m": "metrics.Recall(",
    "jaccard": "metric=JACCARD",
    "f2": "metric=f_beta(2)",
    "f_half": "metric=f_beta(0.5)",
}
"""Function -> what an edit writes in its place."""
HEADS = (
    "import keras",
    "from tensorflow import keras",
    "import tensorflow as tf",
    "import tensorflow.keras as keras",
    "import os",
)
"""Ways to import Keras, or not."""


def program(head, functions, *, end="\n"):
    imports = f'"""A program."""\nimport json\n\n{head}\nimport numpy as np\n'
    return f"{imports}{FUNCTIONS}{FITTED.format(', '.join(functions)).rstrip()}{end}"


def diff(capsys, *paths):
    cli.main(["scan", "--diff", *paths])
    return capsys.readouterr()


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "-q", "."], check=True)
    return tmp_path


def apply(text):
    subprocess.run(["git", "apply", "-"], input=text, text=True, check=True)


def logs(*paths):
    """Run programs one after the other in this process, and return what they print."""
    with redirect_stdout(StringIO()) as said:
        for path in paths:
            runpy.run_path(path, run_name="__main__")
    return [json.loads(line) for line in said.getvalue().splitlines() if line.startswith("[")]


def computed(name, y, said):
    sklearn = pytest.importorskip("sklearn.metrics")
    if name in BETA:
        return sklearn.fbeta_score(y, said, beta=BETA[name])
    kind = name.removesuffix("_m")
    return getattr(sklearn, f"{kind}_score")(y, said)


@pytest.mark.parametrize(
    "heads", [("import os",), pytest.param(HEADS, marks=pytest.mark.slow)], ids=["one", "every"]
)
def test_patched_programs_log_what_scikit_learn_computes(here, capsys, heads):
    """Every function that is edited; below every way to import Keras, if all tests run."""
    (here / "before.py").write_text(program("import keras", SAME))
    paths = [f"{place}.py" for place in range(len(heads))]
    for path, head in zip(paths, heads, strict=True):
        before = program(head, SAME, end="" if head == "import os" else "\n")
        (here / path).write_text(before)
        text = diff(capsys, path).out
        assert (here / path).read_text() == before
        apply(text)
        (line,) = [one for one in (here / path).read_text().splitlines() if "compile(" in one]
        assert all(code in line for code in SAME.values())
        assert diff(capsys, path).out == ""
    wrong, *results = logs("before.py", *paths)
    assert len(results) == len(heads)
    assert all({*SAME, "accuracy", "loss"} == set(log) for log, _, _ in results)
    assert all(error < 1e-6 for result in results for error in errors(*result))
    assert all(error > 1e-3 for error in errors(*wrong))


def errors(log, y, score):
    """How far each function's log is from what scikit-learn computes."""
    return [abs(log[name] - computed(name, y, np.array(score) > 0.5)) for name in SAME]


def test_what_is_left_to_people_is_named_with_the_reason(here, capsys):
    (here / "a.py").write_text(
        "import keras\nfrom keras import ops\n"
        f"{ARTICLE}\n"
        "def soft(y, p):\n    return ops.sum(y * p) / ops.sum(y)\n"
        "metrics = [f1_m]\n"
        "model.compile(metrics=metrics)\n"
        "model.compile(metrics=[soft])\n"
        "model.compile(metrics=[f1_m])\n"
        "for x, y in loader:\n    total += f1_m(x, y)\nprint(total / len(loader))\n"
    )
    out = diff(capsys, "a.py")
    assert out.out == ""
    reasons = [line.split("left to you: ")[1] for line in out.err.splitlines()]
    assert reasons == [
        "not a function named in a list of metrics=[...]",
        "it is not shown to be precision, recall, F-beta or Jaccard at threshold 0.5",
        "no Dense(1, activation='sigmoid') shows that the output is binary",
        "needs a change of the loop or the class",
    ]


@pytest.mark.parametrize("end", ["\n", ""])
@pytest.mark.parametrize(
    ("head", "added", "code"),
    [
        ("import keras", [], "keras.metrics.Precision(name='precision_m')"),
        ("from tensorflow import keras", [], "keras.metrics.Precision(name='precision_m')"),
        ("import tensorflow as tf", [], "tf.keras.metrics.Precision(name='precision_m')"),
        ("import os", ["import keras"], "keras.metrics.Precision(name='precision_m')"),
    ],
)
def test_the_import_that_is_missing_is_added(here, capsys, head, added, code, end):
    code = code.replace("'", '"')
    text = f'"""Text."""\n{head}\n{ARTICLE}\nmodel.compile(metrics=[precision_m]){end}'
    (here / "a.py").write_text(text)
    apply(diff(capsys, "a.py").out)
    lines = (here / "a.py").read_text().splitlines()
    assert lines == [*f'"""Text."""\n{head}'.splitlines(), *added, *ARTICLE.splitlines(), "",
                     f"model.compile(metrics=[{code}])"][: len(lines)]  # fmt: skip
    assert len(lines) == len(text.splitlines()) + len(added)


def test_several_entries_of_a_line_with_other_letters_are_edited(here, capsys):
    line = "model.compile(loss='ä', metrics=['ü', precision_m, recall_m])\n"
    (here / "a.py").write_text(f"import keras\n{ARTICLE}{line}", "utf-8")
    apply(diff(capsys, "a.py").out)
    assert (here / "a.py").read_text("utf-8").splitlines()[-1] == (
        "model.compile(loss='ä', metrics=['ü', keras.metrics.Precision(name=\"precision_m\"), "
        'keras.metrics.Recall(name="recall_m")])'
    )


FORMS = {
    "tf.reduce_sum(y * tf.round(p)) / tf.reduce_sum(tf.round(p))": "precision",
    "K.sum(K.cast(p > 0.5, 'float') * y) / K.sum(y)": "recall",
    "2 * K.sum(K.round(p) * y) / (K.sum(K.round(p)) + K.sum(y) + K.epsilon())": "f1",
    "1.25 * K.sum(K.round(p) * y) / (K.sum(K.round(p)) + 0.25 * K.sum(y))": "f0.5",
    "K.sum(y * p) / K.sum(p)": None,
    "K.sum(K.cast(p > 0.3, 'float') * y) / K.sum(y)": None,
    "K.mean(K.equal(y, K.round(p)))": None,
    "K.sum(y * K.round(p), axis=-1) / K.sum(y, axis=-1)": None,
    "open('x').read()": None,
    "p.sum() / y.sum()": None,
    "f(y, p)": None,
    "K.sum(y) / 0": None,
    "1e308 ** 9 * K.sum(y)": None,
}


@pytest.mark.parametrize("form", FORMS)
def test_the_meaning_is_what_the_function_computes(tmp_path, form):
    (tmp_path / "a.py").write_text(f"def f(y, p):\n    return {form}\n")
    module = Project([]).module(str(tmp_path / "a.py"))
    assert meaning(Definition(module, module.definitions["f"])) == FORMS[form]


def test_metrics_agree_with_scikit_learn():
    sklearn = pytest.importorskip("sklearn.metrics")
    y, said = [1, 1, 0, 1, 0, 0], [1, 0, 0, 1, 1, 0]
    computed = {name: metric(2, 1, 1) for name, metric in METRICS.items()}
    assert computed == pytest.approx(
        {
            "precision": sklearn.precision_score(y, said),
            "recall": sklearn.recall_score(y, said),
            "f1": sklearn.f1_score(y, said),
            "f2": sklearn.fbeta_score(y, said, beta=2),
            "f0.5": sklearn.fbeta_score(y, said, beta=0.5),
            "jaccard": sklearn.jaccard_score(y, said),
        }
    )
