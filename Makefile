# What a developer runs. CI runs the same: .ci/run.

.PHONY: test lint bench example build dist dist-test man krew actionlint control-plane azure-binding provider-binding dns-proof gitops-proof models fields cases

test: control-plane azure-binding provider-binding dns-proof gitops-proof models actionlint   ## all tests, with the real API server, the real providers and external-dns
	cargo test --quiet

lint:                               ## formatting and clippy
	cargo fmt --check
	cargo clippy --quiet --all-targets -- -D warnings

# For the program itself, not for what is run while it is built. Smaller by 1 MB and no slower: no tables for unwinding, since
# a panic aborts, functions that are the same only once, and less that is copied to where it is called.
# Only where rustc brings the linker that knows these flags; elsewhere the program is as cargo makes it.
HOST := $(shell rustc -vV | sed -n 's/^host: //p')
ifeq ($(HOST),x86_64-unknown-linux-gnu)
SMALL = -- -C link-arg=-Wl,--icf=all -C link-arg=-Wl,--no-eh-frame-hdr -C link-arg=-Wl,-T,$(CURDIR)/link/no-unwind.ld \
	-C llvm-args=-inline-threshold=50
endif

# No path of the machine it is built on is in the program.
build dist: export RUSTFLAGS = --remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)=/cargo --remap-path-prefix=$(CURDIR)=/src

build:                              ## the release binary
	cargo rustc --release --quiet --bin kubectl-largescale $(SMALL)

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
