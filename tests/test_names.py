"""pyacts.get: the names of other systems, and what they mean there; docs/names.md has them as a table."""

import pickle
import re

import pytest
from common import ROOT

import pyacts
from pyacts.catalog import ACTIVATIONS, NAMES, PRESETS, SPELLINGS, SYSTEMS, meaning, plain

ROWS = {a.name: a for a in ACTIVATIONS}

# What programs write before a name, by system; for the others it is the system alone.
MODULES = {
    "": ("", "torch.", "torch.nn.", "torch.nn.functional.", "F.", "nn.", "nn.functional."),
    "keras": ("keras.", "keras.activations.", "keras.layers.", "tf.keras.layers.", "tensorflow.keras.", "layers."),
    "tf": ("tf.", "tf.nn.", "TF.nn.", "tensorflow.nn.", "tensorflow.compat.v1.nn."),
    "tfjs": ("tfjs.", "tfjs.layers.", "tensorflowjs."),
    "jax": ("jax.", "jax.nn."),
    "flax": ("flax.", "flax.linen.", "flax.nnx."),
    "theano": ("theano.", "theano.tensor.nnet."),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_spelling(spelling):
    """Each leads to a function of another name, in any case, alone and behind a system."""
    name = SPELLINGS[spelling]
    assert name in ROWS
    assert plain(spelling) not in {plain(n) for a in ACTIVATIONS for n in (a.name, *a.aliases)}
    for written in (spelling, spelling.upper(), spelling.replace("_", "-"), spelling.title().replace("_", "")):
        assert pyacts.get(written) is getattr(pyacts, name)
    assert pyacts.get(f"torch.{spelling}") is getattr(pyacts, name)


@pytest.mark.parametrize(
    ("full", "meaning"),
    [
        (module + spelling, meaning)
        for system, names in PRESETS.items()
        for module in MODULES.get(system, (f"{system}.",))
        for spelling, meaning in names.items()
    ],
)
def test_preset(full, meaning):
    """The function with the parameters that it has there; what is not here is refused with the reason."""
    if isinstance(meaning, str):
        with pytest.raises(ValueError, match="no function for") as caught:
            pyacts.get(full)
        assert meaning in str(caught.value)
        return
    name, defaults = meaning
    assert set(defaults) <= {p.name for p in ROWS[name].parameters}
    function = pyacts.get(full)
    assert function is pyacts.get(full)
    assert function(-1.25) == getattr(pyacts, name)(-1.25, **defaults)
    assert pickle.loads(pickle.dumps(function))(-1.25) == function(-1.25)
    backward = pyacts.get(full, direction="backward")
    assert backward(1.0, -1.25) == getattr(pyacts, f"{name}_backward")(1.0, -1.25, **defaults)


def test_systems():
    """Each is one that there are presets for, and the docstring has them all."""
    for other, system in SYSTEMS.items():
        assert other not in PRESETS
        assert pyacts.get(f"{other}.relu") is pyacts.get(f"{system}.relu") is pyacts.relu
    systems = pyacts.get.__doc__.partition("The systems")[2].partition(".")[0]
    assert set(PRESETS) - {""} <= set(systems.replace(",", " ").replace(")", " ").split())


def test_far_fetched_names():
    for name in ("_" * 3000, "relu__", "torch.relu_", "nn.gelu", ".", ""):
        with pytest.raises(ValueError, match=r"unknown activation|no function for"):
            pyacts.get(name)
    with pytest.raises(ValueError, match=r"get\('relu', direction='inplace'\)"):
        pyacts.get("relu__")


def test_what_differs():
    assert pyacts.get("keras.LeakyReLU")(-1.0) == -0.3
    assert pyacts.get("tf.layers.leakyReLU")(-1.0) == -0.3
    assert pyacts.get("keras.layers.ReLU") is pyacts.relu
    assert pyacts.get("keras.activations.gelu") is pyacts.get("nn.functional.gelu") is pyacts.gelu
    assert pyacts.get("torch.nn.functional.silu") is pyacts.silu
    assert pyacts.get("theano.hard_sigmoid")(1.0) == pytest.approx(0.7)
    assert pyacts.get("torch.RReLU")(-48.0) == pytest.approx(-11)
    assert pyacts.get("torch.nn.CrossEntropyLoss") is pyacts.softmax_cross_entropy
    assert pyacts.get("tf.nn.sigmoid_cross_entropy_with_logits") is pyacts.sigmoid_cross_entropy
    for name, words in (
        ("keras.layers.leakyrelu", r"keras\.layers\.leakyrelu.*leaky_relu or LeakyReLU"),
        ("torch.nonsense", "unknown activation"),
        ("nonsense.relu", "unknown activation"),
        ("torch", "unknown activation"),
        ("torch.", "unknown activation"),
        ("torch.nn.functional.relu_", r"get\('torch\.nn\.functional\.relu', direction='inplace'\)"),
    ):
        with pytest.raises(ValueError, match=words):
            pyacts.get(name)


def test_gumbel_softmax():
    """The one function that is no row of the catalogue."""
    assert pyacts.get("torch.nn.functional.gumbel_softmax") is pyacts.gumbel_softmax
    assert pyacts.get("GumbelSoftmax", direction="inplace") is pyacts.gumbel_softmax_
    with pytest.raises(ValueError, match="gumbel_softmax has no backward form"):
        pyacts.get("gumbel_softmax", direction="backward")


# ----------------------------------------------------------------------------------------------------------------
# docs/names.md

TABLE = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in re.findall(r"^\| `.*", (ROOT / "docs" / "names.md").read_text(encoding="utf-8"), re.MULTILINE)
]


def test_every_function_has_a_row():
    assert [row[0] for row in TABLE] == [f"`{name}`" for name in (*ROWS, "gumbel_softmax")]


@pytest.mark.parametrize(("column", "system"), list(enumerate(NAMES, 1)))
def test_names_in_the_table(column, system):
    """get has the row's function for each, with the defaults beside it."""
    found = []
    for row in TABLE:
        cells = re.findall(r"`([^`]+)`(?: \(([^)]*)\))?", row[column])
        assert ", ".join(f"`{name}`" + f" ({values})" * bool(values) for name, values in cells) == row[column]
        for name, values in cells:
            function = pyacts.get(f"{system}.{name}")
            keywords = getattr(function, "keywords", {})
            assert getattr(function, "func", function) is getattr(pyacts, row[0].strip("`"))
            assert keywords == pytest.approx({p: float(v) for p, v in re.findall(r"(\w+)=([^,]*)", values)}, rel=1e-5)
            found.append(name)
    assert sorted(found) == sorted(NAMES[system].split())
    distinct = {(plain(name), str(meaning(f"{system}.{name}"))) for name in found}
    assert len(distinct) == len(found), "two names that differ in nothing that counts"


def test_names_in_onnx():
    """They are operators of its own."""
    onnx = pytest.importorskip("onnx")
    assert set(NAMES["onnx"].split()) <= {schema.name for schema in onnx.defs.get_all_schemas()}
