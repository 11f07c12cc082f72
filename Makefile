# Two commands do all the set-up: `make demo` and `make test`. Each makes the virtual environment it needs
# (once; quick the second time). Needed beforehand: Python 3.11 with venv, make, git. See README.md for apt.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Blender (GPL) stays in an environment, and a process, of its own. Its wheel wants Python 3.11 and numpy 1.
TOOLS_PYTHON ?= python3.11
TOOLS := .venv-tools
TOOLS_STAMP := $(TOOLS)/.installed
BENCH_STAMP := $(VENV)/.bench
PEERS := .venv-peers
PEERS_STAMP := $(PEERS)/.installed

.PHONY: demo test tools lint bench box kills broken-places fuzz peers site clean

demo: $(STAMP) tools
	$(BIN)/curate demo --out demo

test: $(STAMP) tools lint
	$(BIN)/python -m pytest -n 2 --dist worksteal --cov --cov-report=term:skip-covered

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(BENCH_STAMP)
	status=0; for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file || status=1; done; exit $$status

# The weights of the tagger in the box, from renders alone: curate/taggers/weights. Hours of rendering and one of
# training; what was stopped goes on. benchmarks/box/measure.py says how good they are.
box: $(STAMP) $(TOOLS_STAMP)
	$(BIN)/python -m benchmarks.box.make .box

# Every command, killed before each change that it makes on disk, and given again. Takes some ten minutes.
kills: $(STAMP)
	$(BIN)/python benchmarks/kills.py --each 1

# Every command on full disks, without rights and the like, and given again once that is mended. Takes root.
broken-places: $(STAMP)
	$(BIN)/python benchmarks/broken_places.py

# Spoilt inputs of every kind: what should not happen is counted, and kept with the command that repeats it.
# `make fuzz SEED=5` tries others; SECONDS bounds the time. 10,000 cases take an hour or two of a processor.
SEED ?= 0
CASES ?= 10000
fuzz: $(STAMP)
	$(BIN)/python -m benchmarks.fuzz --seed $(SEED) --cases $(CASES) $(if $(SECONDS),--seconds $(SECONDS))

# The documentation as a site, at site/html; a link that leads nowhere is an error.
site: $(STAMP)
	$(BIN)/python docs/site/build.py --out site

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,render,onnx,dev]'
	touch $@

# Without it everything but `curate render` works, and says so: no reason for `make` to stop.
tools:
	@$(MAKE) --no-print-directory $(TOOLS_STAMP) || { rm -rf $(TOOLS); echo "No Blender here: bpy could not be" \
	  "installed for $(TOOLS_PYTHON). Rendering is left out of the demo and the tests." >&2; }

$(TOOLS_STAMP): constraints-tools.txt
	$(TOOLS_PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints-tools.txt bpy
	touch $@

$(BENCH_STAMP): $(STAMP) $(TOOLS_STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	# Only its heatmap generator is run; its own dependencies would bring other versions of torch.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps mmpose
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints-tools.txt mediapipe
	touch $@

# The exports, opened by the tools that they are for. These want a gigabyte, an environment of their own, and the
# torch of ours; xtcocotools, of mmpose, is built here, as its wheels are of NumPy 1.
peers: $(STAMP) $(PEERS_STAMP)
	$(BIN)/python -m benchmarks.peers --python $(PEERS)/bin/python

$(PEERS_STAMP): constraints-peers.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints-peers.txt \
	  datasets webdataset mlcroissant pycocotools datumaro fiftyone mongomock labelme cython setuptools wheel \
	  appdirs ijson jsf nltk pyjwt ujson xmljson
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints-peers.txt --no-deps \
	  mmpose mmengine mmcv-lite json-tricks munkres addict yapf termcolor platformdirs \
	  ultralytics ultralytics-thop polars torchvision label-studio-sdk
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints-peers.txt --no-deps \
	  --no-build-isolation --no-binary xtcocotools xtcocotools || echo "No compiler here: mmpose is left out." >&2
	$(PEERS)/bin/python -c "import sysconfig, sys; print(sys.argv[1] + sysconfig.get_path('purelib')[len(sys.prefix):])" \
	  $(abspath $(VENV)) > $(PEERS)/ours
	mv $(PEERS)/ours $$($(PEERS)/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/zz-ours.pth
	touch $@

clean:
	rm -rf $(VENV) $(TOOLS) $(PEERS) demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
