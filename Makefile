# The work is in small scripts; this names it. "make help" lists the targets.
TARGET := x86_64-unknown-linux-musl
ARM_TARGET := aarch64-unknown-linux-musl
BINARY = $(or $(CARGO_TARGET_DIR),target)/$(TARGET)/release/cassandra-init
SUITES ?=

.PHONY: help build run test test-arm64 fuzz image docs bench clean
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## /\1\t/p' Makefile | expand -t 14

build: ## the static binary, target/…/release/cassandra-init
	@rustup target list --installed | grep -qx $(TARGET) || rustup target add $(TARGET)
	cargo build --release --locked --target $(TARGET)

run: build ## a Cassandra node in the foreground, Ctrl-C stops it (DATA=dir keeps its data)
	@exec image/run-node $(BINARY)

test: ## everything, or some of it: make test SUITES="unit cli"
	@exec tests/run $(SUITES)

test-arm64: ## the arm64 binary, built and run under emulation
	@exec tests/run arm64

fuzz: ## 100,000 random edits of random documents, and the fuzz targets for longer
	cargo test --locked --lib -- --ignored --nocapture a_hundred_thousand
	FUZZ_MUTATIONS=$(or $(MUTATIONS),20000) cargo test --locked --test fuzz -- --nocapture

image: ## the container image, from public base images
	docker build --tag cassandra-init .

docs: build ## docs/environment.md, from the program's own table
	$(BINARY) variables --format markdown > docs/environment.md

bench: build ## measurements, ours beside theirs
	@exec bench/run

clean: ## what was built here; the cache of downloads stays
	cargo clean
