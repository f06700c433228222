# Targets for developers. CI runs the same ones: .ci/run.

.PHONY: test setup lint deny mutants fuzz fuzz-min bench example build dist dist-test man krew actionlint control-plane azure-binding provider-binding dns-proof rule-proof proxy-proof cilium-proof coredns gitops-proof flux-controller envoy-gateway envoy gateway-crds record-gateway gateway-proof proofs models fields types estates months live-months cases

test: setup control-plane azure-binding provider-binding dns-proof rule-proof proxy-proof cilium-proof coredns envoy gitops-proof flux-controller gateway-crds models actionlint   ## all tests, with the real API server, the real providers and external-dns
	tests/run.sh

setup:                              ## install what the tests need, or print the commands
	tests/setup.sh

lint:                               ## formatting, clippy, spelling, Markdown, phrases
	cargo fmt --check
	cargo clippy --quiet --all-targets -- -D warnings
	typos
	markdownlint-cli2 "**/*.md"
	python3 tests/lint/phrases.py

deny:                               ## licenses, sources and advisories of the dependencies
	tests/deny.sh

TESTS = --lib --test cli

mutants:                            ## change the code of FILES in small ways, and list what no test in TESTS notices: make mutants FILES=src/core/apply/prune.rs
	cargo mutants --test-tool cargo $(foreach file,$(FILES),--file $(file)) --output target -- $(TESTS)

fuzz:                               ## run the fuzz targets, at most TIME seconds and RUNS executions each: make fuzz TIME=60 TARGETS="yaml lock"
	python3 tests/fuzz.py run --seconds $(or $(TIME),60) --runs $(or $(RUNS),-1) $(TARGETS)

fuzz-min:                           ## keep the fewest inputs of TARGETS that reach the same code, and the new ones of `make fuzz`
	python3 tests/fuzz.py min $(TARGETS)

HOST := $(shell rustc -vV | sed -n 's/^host: //p')

# The program must not contain paths of the build machine.
build dist: export RUSTFLAGS = --remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)=/cargo --remap-path-prefix=$(CURDIR)=/src

build:                              ## build the release binary
	cargo build --release --quiet --bin kubectl-largescale

dist: build                         ## build an archive for this machine, checksums, SBOM and krew manifest in target/dist
	rm -rf target/dist
	env -u RUSTFLAGS python3 dist/archive.py $(HOST) target/release/kubectl-largescale
	python3 dist/finish.py $(REPOSITORY)

dist-test: dist krew                ## check the archive with krew's validator, and install it with krew
	tests/dist/run.sh

man:                                ## write the man pages to target/man
	cargo run --quiet --example man -- target/man "$$(git log -1 --format=%cs)"

example:                            ## render and diff the shipped example, without a cluster
	cargo build --quiet
	sh examples/run.sh "$${CARGO_TARGET_DIR:-target}/debug/kubectl-largescale"

bench: build control-plane          ## measure the documented figures, as ratios within one run
	python3 tests/bench/figures.py target/release/kubectl-largescale

estates: control-plane             ## adopt COUNT random clusters that are already running, from SEED on: make estates COUNT=500
	ESTATES=$(or $(COUNT),500) SEED=$(or $(SEED),1) cargo test --test e2e estates:: -- --nocapture

# A month has 30 operations, and about 10 more on the branches that it joins.
months:                             ## live about COUNT operations of random months offline, from SEED on: make months COUNT=10000
	MONTHS=$$(( ($(or $(COUNT),10000) + 37) / 38 )) SEED=$(or $(SEED),1) cargo test --test cli month:: -- --nocapture

live-months: control-plane flux-controller ## live COUNT random months on control planes, from SEED on: make live-months COUNT=50
	LIVE_MONTHS=$(or $(COUNT),50) SEED=$(or $(SEED),1) cargo test --test e2e month:: -- --nocapture

cases:                              ## rewrite the transcripts of tests/cases; read them before you commit them
	UPDATE_CASES=1 cargo test --quiet --test cli

record-gateway: control-plane envoy-gateway ## run Envoy Gateway on rendered Gateways, and write what it makes to tests/fixtures/gateway
	CI=true RECORD_GATEWAY=1 cargo test --test e2e gateway:: -- --ignored --test-threads 1

gateway-proof:                      ## run Envoy Gateway again and compare with tests/fixtures/gateway, unless that was done for the same inputs
	tests/gateway-proof.sh

proofs: gateway-proof                ## repeat the proofs that CI compares with their record: after a new version of a module, or a change of a driver

envoy:                              ## copy Envoy, the far end of load balancers in tests, to target/envoy-gateway
	tests/envoy.sh

gateway-crds:                       ## copy the CRDs of the Gateway API and of Envoy Gateway to target/envoy-gateway
	@if command -v go >/dev/null; then tests/go/envoy-gateway/build.sh crds; else echo "no go: there are no CRDs, their tests are skipped"; fi

fields: control-plane               ## write the table of Kubernetes' fields, from the API server's OpenAPI document
	UPDATE_FIELDS=1 cargo test --test cluster fields::

types:                              ## write the table of how applies merge and store values, from Kubernetes' types
	cd tests/go/control-plane && go mod download k8s.io/api k8s.io/apimachinery
	python3 tests/types/table.py "$$(go env GOMODCACHE)" \
	  "$$(cd tests/go/control-plane && go list -m -f '{{.Version}}' k8s.io/apimachinery)" > src/core/live/kubernetes-types.json

# Builds the Go programs of the tests once, outside of the checkout. Without Go, they are not built, and the tests that
# need them are skipped with a message; in CI this is a failure.
control-plane azure-binding provider-binding dns-proof rule-proof proxy-proof cilium-proof coredns gitops-proof flux-controller envoy-gateway models krew actionlint:
	@if command -v go >/dev/null; then tests/go/$@/build.sh; else echo "no go: tests/go/$@ is not built, its tests are skipped"; fi
