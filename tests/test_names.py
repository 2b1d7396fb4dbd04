"""pyacts.get: the names of other systems, and what they mean there."""

import pickle

import pytest

import pyacts
from pyacts import _names
from pyacts.catalog import ACTIVATIONS, PRESETS, SPELLINGS

NAMES = {a.name: a for a in ACTIVATIONS}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_spelling(spelling):
    """Each leads to a function of another name, in any case, alone and behind a system."""
    name = SPELLINGS[spelling]
    assert name in NAMES
    assert _names.plain(spelling) not in {_names.plain(n) for a in ACTIVATIONS for n in (a.name, *a.aliases)}
    for written in (spelling, spelling.upper(), spelling.replace("_", "-"), spelling.title().replace("_", "")):
        assert pyacts.get(written) is getattr(pyacts, name)
    assert pyacts.get(f"torch.{spelling}") is getattr(pyacts, name)


@pytest.mark.parametrize(("system", "spelling"), [(s, n) for s, names in PRESETS.items() for n in names])
def test_preset(system, spelling):
    """The function with the parameters that it has there; what is not here is refused with the reason."""
    meaning = PRESETS[system][spelling]
    full = f"{system}.{spelling}" if system else spelling
    if isinstance(meaning, str):
        with pytest.raises(ValueError, match="pyacts has no") as caught:
            pyacts.get(full)
        assert meaning in str(caught.value)
        return
    name, defaults = meaning
    assert set(defaults) <= {p.name for p in NAMES[name].parameters}
    function = pyacts.get(full)
    assert function is pyacts.get(full)
    assert function(-1.25) == getattr(pyacts, name)(-1.25, **defaults)
    assert pickle.loads(pickle.dumps(function))(-1.25) == function(-1.25)
    backward = pyacts.get(full, direction="backward")
    assert backward(1.0, -1.25) == getattr(pyacts, f"{name}_backward")(1.0, -1.25, **defaults)


def test_what_differs():
    assert pyacts.get("keras.LeakyReLU")(-1.0) == -0.3
    assert pyacts.get("keras.layers.ReLU") is pyacts.relu
    assert pyacts.get("torch.nn.functional.silu") is pyacts.silu
    assert pyacts.get("theano.hard_sigmoid")(1.0) == pytest.approx(0.7)
    assert pyacts.get("torch.RReLU")(-48.0) == pytest.approx(-11)
    with pytest.raises(ValueError, match=r"keras\.leakyrelu.*leaky_relu or LeakyReLU"):
        pyacts.get("keras.leakyrelu")
    with pytest.raises(ValueError, match="unknown activation"):
        pyacts.get("torch.nonsense")
