# What a developer runs. CI runs the same: .ci/run.

.PHONY: test setup lint bench example build dist dist-test man krew actionlint control-plane azure-binding provider-binding dns-proof gitops-proof models fields cases

test: setup control-plane azure-binding provider-binding dns-proof gitops-proof models actionlint   ## all tests, with the real API server, the real providers and external-dns
	tests/run.sh

setup:                              ## install what the tests need, or print the commands
	tests/setup.sh

lint:                               ## formatting, clippy, spelling, Markdown, phrases
	cargo fmt --check
	cargo clippy --quiet --all-targets -- -D warnings
	typos
	markdownlint-cli2 "**/*.md"
	python3 tests/lint/phrases.py

HOST := $(shell rustc -vV | sed -n 's/^host: //p')

# No path of the machine it is built on is in the program.
build dist: export RUSTFLAGS = --remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)=/cargo --remap-path-prefix=$(CURDIR)=/src

build:                              ## the release binary
	cargo build --release --quiet --bin kubectl-largescale

dist: build                         ## an archive for this machine, checksums, bill of materials, krew manifest: target/dist
	rm -rf target/dist
	env -u RUSTFLAGS python3 dist/archive.py $(HOST) target/release/kubectl-largescale
	python3 dist/finish.py $(REPOSITORY)

dist-test: dist krew                ## that archive, by krew's own validator and installed by krew itself
	tests/dist/run.sh

man:                                ## the man pages: target/man
	cargo run --quiet --example man -- target/man "$$(git log -1 --format=%cs)"

example:                            ## the main job on the example that ships with it, without a cluster
	cargo build --quiet
	sh examples/run.sh target/debug/kubectl-largescale

bench: build control-plane          ## the figures that we promise, as ratios measured in one run
	python3 tests/bench/figures.py target/release/kubectl-largescale

cases:                              ## write the transcripts of tests/cases anew; read them before you commit them
	UPDATE_CASES=1 cargo test --quiet --test cli

fields: control-plane               ## the table of Kubernetes' fields, from Kubernetes' own types
	target/control-plane fields > src/core/manifest/kubernetes-fields.json

# The Go programs of the tests are built once and kept outside of the checkout. Without Go they are left out, and
# the tests that need them say so; in CI that is a failure.
control-plane azure-binding provider-binding dns-proof gitops-proof models krew actionlint:
	@if command -v go >/dev/null; then tests/go/$@/build.sh; else echo "no go: tests/go/$@ is not built, its tests are skipped"; fi
