# Every recipe is one line; what it does lives in tools/. Python 3.10 or newer and make are all that has to be there.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-down test campaigns image-test bench bounds lint gen gen-check serve

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-12s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## .venv with the locked dependencies, and the Pulumi CLI; the others call it first
	@$(PYTHON) -u -m tools.bootstrap

demo: setup ## an AWS Proton environment by `pulumi up`, on our own server
	@$(BIN)/python -u -m tools.demo up

demo-down: setup ## take the demo down again
	@$(BIN)/python -u -m tools.demo down

# Files in their order, which puts the long ones of tests/engine first, and not by how many tests they hold.
# Three processes on two cores: a test often waits for its server or for Pulumi.
test: setup ## all tests
	@$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

campaigns: setup ## minutes of kill -9, lost answers and failing databases; CAMPAIGN_SEED=… repeats a run
	@$(BIN)/pytest tests/campaigns -rP

image-test: setup ## the image, compose.yaml and the chart, built and started for real; as root, on Debian
	@$(BIN)/python -u -m tools.image_test

bench: setup ## what is claimed of speed, each claim beside its peer; writes bench/RESULTS.md
	@$(BIN)/python -m bench

bounds: setup ## the tests with the oldest dependencies allowed, on the oldest and the newest Python there is
	@$(BIN)/python -u -m tools.bounds

lint: setup ## ruff, mypy --strict on what is shipped, and the walls between the parts
	@$(BIN)/ruff check && $(BIN)/ruff format --check && $(BIN)/mypy && $(BIN)/lint-imports --no-logo

gen: setup ## write the files that are generated from the resources' declarations
	@$(BIN)/python -m tools.generate && $(BIN)/python -m tools.sdks

gen-check: setup ## fail when a generated file is not what `make gen` would write
	@$(BIN)/python -m tools.generate --check && $(BIN)/python -m tools.sdks --check

serve: setup ## the server and a local AWS, on one port, in the foreground
	@$(BIN)/proton-server local
