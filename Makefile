# make demo and make test set up all they need, from Python 3.11 or later, a C compiler and make.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN = $(VENV)/bin
PEERS_VENV = $(VENV)-peers
SOURCES = setup.py pyproject.toml $(wildcard kernels/* codegen/*.py packaging/* include/*.h pyacts/*.pyx pyacts/*.py pyacts/*/*.pxi pyacts/*/*.py)
C_FILES = kernels/*.h bench/*.c examples/c/*.c tests/c/*.c

# For make arm, which needs a cross compiler and qemu: on Debian, gcc-aarch64-linux-gnu and qemu-user-static.
export ARM_CC ?= aarch64-linux-gnu-gcc
ARM_LIBRARY = build/aarch64/libpyacts.so.0

.PHONY: help demo test test-slow arm accuracy bench bench-peers lint format generate clean

help:
	@echo "make demo       build, install into $(VENV), and show the main job on real input"
	@echo "make test       the tests (under 6 minutes)"
	@echo "make test-slow  the exhaustive tests as well"
	@echo "make arm        the same bits from 64-bit Arm code, cross-compiled and run by qemu"
	@echo "make accuracy   the largest error of every function over all float32 numbers (hours; can be stopped and resumed)"
	@echo "make bench      speed against NumPy: table, JSON and chart in bench/results; then inside Numba"
	@echo "make bench-peers  speed against torch, JAX, ONNX Runtime, MKL, ...: 20 minutes, or a part (PEERS=\"--help\")"
	@echo "make lint       formatting and lint"
	@echo "make format     rewrite files in the project's format"
	@echo "make generate   rewrite what is made from the catalogue: header, stubs, tables"
	@echo "make clean      remove what was built"

$(VENV)/installed: $(SOURCES)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[test,bench,demo,dev]"
	touch $@

demo: $(VENV)/installed
	$(BIN)/python examples/demo.py

test: $(VENV)/installed lint
	$(BIN)/python -m pytest -n auto --dist worksteal

test-slow: $(VENV)/installed
	$(BIN)/python -m pytest -n auto --dist worksteal -m "slow or not slow"

$(ARM_LIBRARY): $(VENV)/installed
	CC=$(ARM_CC) PYACTS_MACHINE=aarch64 $(BIN)/python setup.py --quiet build_library --folder $(@D)

arm: $(ARM_LIBRARY)
	$(BIN)/python -m pytest -n auto tests/test_arm.py

accuracy: $(VENV)/installed
	$(BIN)/python -m bench.accuracy.lines --write
	$(BIN)/python -m bench.accuracy.measure --write $(ACCURACY)

bench: $(VENV)/installed
	$(BIN)/python -m bench.speed $(BENCH)
	$(BIN)/python -m bench.numba_speed

# Peers that can't be installed are left out. Wheels of torch without CUDA have an index of their own. pyacts itself is
# the one in the source tree, which $(VENV)/installed has built.
PIP_PEERS = $(PEERS_VENV)/bin/python -m pip install --quiet
TORCH_INDEX = https://download.pytorch.org/whl/cpu
$(PEERS_VENV)/installed: $(VENV)/installed
	$(BIN)/python -m venv $(PEERS_VENV)
	$(PIP_PEERS) "numpy>=2.0" "cffi>=1.15" ml_dtypes matplotlib
	$(PIP_PEERS) --index-url $(TORCH_INDEX) --retries 1 torch || $(PIP_PEERS) torch || echo "not installed: torch"
	for peer in jax "onnxruntime onnx" scipy numexpr mkl thinc; do \
	    $(PIP_PEERS) $$peer || echo "not installed: $$peer"; done
	touch $@

bench-peers: $(PEERS_VENV)/installed
	$(PEERS_VENV)/bin/python -m bench.peers $(PEERS)

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PATH="$(abspath $(BIN)):$$PATH" cython-lint --files "\.(pyx|pxd|pxi)$$" kernels pyacts
	$(BIN)/clang-format --dry-run --Werror $(wildcard $(C_FILES))

format: $(VENV)/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(wildcard $(C_FILES))

generate: $(VENV)/installed
	$(BIN)/python -m codegen

clean:
	rm -rf $(VENV) $(PEERS_VENV) build dist pyacts.egg-info pyacts/lib pyacts/include pyacts/*.so bench/results examples/c/build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
