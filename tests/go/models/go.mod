// Nothing is compiled: these modules hold the example models that tests/cli/models.rs reads.
module models

go 1.26.0

require (
	github.com/Azure/acs-engine v0.26.3
	github.com/Azure/aks-engine v0.79.0
)
